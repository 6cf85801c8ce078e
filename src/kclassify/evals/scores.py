"""How right a classifier was on labelled rows, each score with an interval that held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kclassify.core.evaluation import ClassScores, Scores
from kclassify.core.metrics import ConfusionMatrix, Interval
from kclassify.errors import UsageError
from kclassify.evals.bootstrap import replicate_tables, widened
from kclassify.evals.design import Design, Floats, Ints, Mask, proportion
from kclassify.evals.intervals import WILSON
from kclassify.evals.label_table import LabelTable, number_labels
from kclassify.evals.labelled import Answered

_F1 = f"{WILSON}, Jaccard index"


def score(
    answers: Sequence[Answered], labels: Sequence[str], *, seed: int = 0, replicates: int = 1000
) -> Scores:
    """The scores of the answers that hold a label; the others are counted by their outcome.

    `labels` come first among the classes, in their order, and then whatever else was met. The same
    seed gives the same intervals, in whatever order the answers come. Raises `UsageError` when no
    row has an answer, or when only some rows have a weight; `ValueError` for a row without a gold
    label.
    """
    _require_gold(answers)
    found = sorted((a for a in answers if a.label is not None), key=lambda a: a.row.id)
    if not found:
        raise UsageError(_nothing_to_score(answers))
    labelled = _Labelled.of(found, labels)
    macro_f1, kappa = labelled.bootstrapped(seed, replicates)
    return Scores(
        answered=len(found),
        unanswered=dict(sorted(Counter(_reasons(answers)).items())),
        accuracy=labelled.accuracy,
        macro_f1=macro_f1,
        kappa=kappa,
        classes=tuple(labelled.class_scores(place) for place in range(len(labelled.labels))),
        confusion=labelled.confusion,
    )


@dataclass(frozen=True, eq=False)
class _Labelled:
    """Each row's gold and predicted label, as places among the labels, and how rows were drawn."""

    gold: Ints
    predicted: Ints
    design: Design
    confusion: ConfusionMatrix

    @classmethod
    def of(cls, answers: Sequence[Answered], labels: Sequence[str]) -> _Labelled:
        design = Design.of([each.row for each in answers])
        gold = [str(each.row.gold) for each in answers]
        predicted = [str(each.label) for each in answers]
        confusion = ConfusionMatrix.of(
            labels, zip(gold, predicted, design.weights.tolist(), strict=True)
        )
        names = confusion.labels
        return cls(number_labels(gold, names), number_labels(predicted, names), design, confusion)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.confusion.labels

    @cached_property
    def accuracy(self) -> Interval:
        return proportion(self.gold == self.predicted, self.design)

    def class_scores(self, place: int) -> ClassScores:
        gold, predicted = self.gold == place, self.predicted == place
        right = gold & predicted
        return ClassScores(
            label=self.labels[place],
            gold=int(gold.sum()),
            predicted=int(predicted.sum()),
            precision=self._share(right, predicted),
            recall=self._share(right, gold),
            f1=_f1(self._share(right, gold | predicted)),
        )

    def bootstrapped(self, seed: int, replicates: int) -> tuple[Interval | None, Interval | None]:
        """Macro-F1 and kappa, of the same replicates."""
        table = LabelTable.of(self.gold, self.predicted, len(self.labels))
        tables = replicate_tables(
            table.cells, len(table), self.design, seed=seed, replicates=replicates
        )
        scores = [np.stack([table.macro_f1(some), table.kappa(some)]) for some in tables]
        macro_f1, kappa = np.concatenate(scores, axis=1)
        return (
            self._widened(self.confusion.macro_f1, macro_f1),
            self._widened(self.confusion.kappa, kappa),
        )

    def _widened(self, estimate: float | None, scores: Floats) -> Interval | None:
        return None if estimate is None else widened(estimate, scores, self.accuracy.n)

    def _share(self, right: Mask, domain: Mask) -> Interval | None:
        return proportion(right, self.design, domain) if domain.any() else None


def _f1(jaccard: Interval | None) -> Interval | None:
    """F1 = 2J / (1 + J), where J is the share that is right of what is or is called the label.

    F1 grows with J, so the bounds of the one are the bounds of the other, as wide as they have to
    be where all of few rows are right and a bootstrap sees no error to resample.
    """
    if jaccard is None:
        return None
    estimate, low, high = (
        2 * share / (1 + share) for share in (jaccard.estimate, jaccard.low, jaccard.high)
    )
    return Interval(estimate, low, high, jaccard.n, _F1, jaccard.level)


def _require_gold(answers: Sequence[Answered]) -> None:
    without = next((each.row.id for each in answers if each.row.gold is None), None)
    if without is not None:
        raise ValueError(f"row {without!r} has no gold label and cannot be scored")


def _reasons(answers: Sequence[Answered]) -> list[str]:
    return [each.outcome.kind.value for each in answers if each.label is None]


def _nothing_to_score(answers: Sequence[Answered]) -> str:
    if not answers:
        return "there is no labelled row to score"
    counts = Counter(_reasons(answers))
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common())
    told = f"none of {len(answers):,} labelled rows has an answer to score: {reasons}"
    may_change = any(each.outcome.kind.is_failure for each in answers)
    return f"{told}: `kclassify eval --retry-failed` asks again" if may_change else told
