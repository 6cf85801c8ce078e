"""The confidence from which the demo writes, chosen on the examples alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from kclassify.classifier import LocalClassifier
from kclassify.core.item import Item
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome
from kclassify.ports import Classifier

RIGHT_SHARE = 0.9
FOLDS = 5
_CANDIDATES = tuple(percent / 100 for percent in range(5, 100, 5))
_FEWEST = 10

Labelled = tuple[Item, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on a labelled item: how confident it was, and whether it was right."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Threshold:
    """A confidence: `sure` of the `of` judgements reach it, and `right` of those are right.

    `reached` says whether nine of ten of those are.
    """

    confidence: float
    right: int
    sure: int
    of: int
    reached: bool


def choose_threshold(judgements: Sequence[Judgement]) -> Threshold:
    """The lowest confidence from which nine of ten were right, else the one with the best share.

    Only those count that ten judgements reach; where there is none, the highest confidence it is.
    """
    found = [_at(confidence, judgements) for confidence in _CANDIDATES]
    usable = [each for each in found if each.sure >= _FEWEST]
    for each in usable:
        if each.reached:
            return each
    return max(usable, key=lambda each: each.right / each.sure, default=found[-1])


def _at(confidence: float, judgements: Sequence[Judgement]) -> Threshold:
    sure = [each for each in judgements if each.confidence >= confidence]
    right = sum(each.right for each in sure)
    reached = bool(sure) and right >= RIGHT_SHARE * len(sure)
    return Threshold(confidence, right, len(sure), len(judgements), reached)


def out_of_fold(taxonomy: Taxonomy[str], examples: Sequence[Labelled]) -> list[Judgement]:
    """Each example as a classifier judges it that was fitted on the other folds."""
    folds = _folds(examples)
    found: list[Judgement] = []
    for fold in range(FOLDS):
        rest = [pair for pair, place in zip(examples, folds, strict=True) if place != fold]
        held_out = [pair for pair, place in zip(examples, folds, strict=True) if place == fold]
        found += judgements_of(LocalClassifier[str].fit(taxonomy, rest), held_out)
    return found


def _folds(examples: Sequence[Labelled]) -> list[int]:
    """The fold of each example; every category is spread over all of them."""
    seen: Counter[str] = Counter()
    folds: list[int] = []
    for _, label in examples:
        folds.append(seen[label] % FOLDS)
        seen[label] += 1
    return folds


def judgements_of(classifier: Classifier[str], labelled: Sequence[Labelled]) -> list[Judgement]:
    """What the classifier makes of items whose labels are known; no answer is a wrong one."""
    return anyio.run(_judge, classifier, labelled)


async def _judge(classifier: Classifier[str], labelled: Sequence[Labelled]) -> list[Judgement]:
    found: list[Judgement] = []
    for item, label in labelled:
        outcome = await classifier.judge(item)
        verdict = outcome.verdict if isinstance(outcome, Outcome) else None
        found.append(
            Judgement(0.0, right=False)
            if verdict is None
            else Judgement(verdict.confidence, verdict.label == label)
        )
    return found
