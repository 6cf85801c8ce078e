"""Synthetic corpora with a known truth: skewed classes, an overconfident model, a class that pulls.

Gold labels are drawn from `SHARES`. The model is right with probability `recall` of the gold class,
and otherwise says `PULL` (with probability `pull`) or another class, in proportion to its share.
The label that a row carries now is gold with probability `current_right`, and otherwise another
class in proportion to its share. Given gold, the two are independent. Confidence depends on whether
the model is right, and only as far as `candour` goes: 0 is a model whose confidence says nothing,
1 one that knows its errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kclassify.core.metrics import ConfusionMatrix
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict, judged
from kclassify.evals.labelled import Answered, LabelledItem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LABELS = (
    "note",
    "lesson",
    "playbook",
    "decision",
    "pattern",
    "reference",
    "question",
    "incident",
    "policy",
    "glossary",
)
SHARES = (0.28, 0.20, 0.13, 0.11, 0.08, 0.07, 0.05, 0.04, 0.02, 0.02)
PULL = LABELS.index("playbook")

CONFIDENCES = (0.70, 0.75, 0.80, 0.85, 0.90, 0.95, 0.98)
WHEN_RIGHT = (0.02, 0.03, 0.05, 0.10, 0.20, 0.35, 0.25)
WHEN_CANDID = (0.35, 0.25, 0.20, 0.12, 0.06, 0.02, 0.00)
"""How confident a model is in its errors that knows them."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Labels as numbers, and confidences, a place a row."""

    gold: Ints
    current: Ints
    predicted: Ints
    confidence: Floats

    def __len__(self) -> int:
        return len(self.gold)

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.gold == self.predicted)

    @property
    def proposed(self) -> NDArray[np.bool_]:
        """Whether the model would change the row's label."""
        return np.asarray(self.predicted != self.current)

    def pick(self, places: NDArray[np.bool_] | Ints) -> Rows:
        return Rows(
            self.gold[places], self.current[places], self.predicted[places], self.confidence[places]
        )


@dataclass(frozen=True, kw_only=True)
class World:
    recall: Sequence[float]
    pull: float = 0.4
    current_right: float = 0.6
    candour: float = 0.5

    @cached_property
    def said(self) -> Floats:
        """P(predicted | gold), a row a gold class."""
        table = _mistaken(np.asarray(self.recall), self.pull)
        table[np.diag_indices(len(table))] = self.recall
        return table

    @cached_property
    def now(self) -> Floats:
        """P(current | gold), a row a gold class."""
        table = _elsewhere() * (1 - self.current_right)
        table[np.diag_indices(len(table))] = self.current_right
        return table

    @cached_property
    def joint(self) -> Floats:
        """P(gold, predicted)."""
        return np.asarray(SHARES)[:, None] * self.said

    @cached_property
    def truth(self) -> ConfusionMatrix:
        """The confusion matrix of a corpus without end: accuracy, macro-F1, kappa are the truth."""
        return ConfusionMatrix(LABELS, tuple(tuple(map(float, row)) for row in self.joint))

    @property
    def writes_by_class(self) -> tuple[Floats, Floats]:
        """Of the proposals into each class: P(proposed and right), P(proposed)."""
        right = np.diag(self.joint) * (1 - self.current_right)
        differs = 1 - self.now  # P(current is not this class | gold)
        return right, (self.joint * differs).sum(axis=0)

    @property
    def write_precision(self) -> float:
        """The share of the proposals that is right."""
        right, proposed = self.writes_by_class
        return float(right.sum() / proposed.sum())

    def draw(self, rows: int, numbers: np.random.Generator) -> Rows:
        gold = numbers.choice(len(SHARES), size=rows, p=SHARES)
        predicted = _one_of_each(self.said[gold], numbers)
        current = _one_of_each(self.now[gold], numbers)
        return Rows(gold, current, predicted, self._confidence(gold == predicted, numbers))

    def _confidence(self, right: NDArray[np.bool_], numbers: np.random.Generator) -> Floats:
        knows = np.asarray(WHEN_RIGHT)
        wrong = (1 - self.candour) * knows + self.candour * np.asarray(WHEN_CANDID)
        shares = np.where(right[:, None], knows, wrong)
        return np.asarray(CONFIDENCES)[_one_of_each(shares, numbers)]


def answers_of(rows: Rows, weights: Floats | None = None) -> list[Answered]:
    """The same as labelled rows with answers."""
    return [
        Answered(
            LabelledItem(
                id=f"{place:06}",
                body=f"text {place}",
                gold=LABELS[gold],
                current=LABELS[current],
                weight=None if weights is None else float(weights[place]),
            ),
            judged(Verdict(LABELS[predicted], confidence, "synthetic")),
        )
        for place, (gold, current, predicted, confidence) in enumerate(
            zip(
                rows.gold.tolist(),
                rows.current.tolist(),
                rows.predicted.tolist(),
                rows.confidence.tolist(),
                strict=True,
            )
        )
    ]


def unanswered(place: int, kind: OutcomeKind = OutcomeKind.TIMED_OUT) -> Answered:
    """A labelled row that the provider did not answer."""
    row = LabelledItem(id=f"u{place:06}", body=f"text {place}", gold=LABELS[0], current=LABELS[0])
    return Answered(row, Outcome(kind))


def _elsewhere() -> Floats:
    """Another class than the row's, in proportion to its share."""
    shares = np.tile(np.asarray(SHARES), (len(SHARES), 1))
    shares[np.diag_indices(len(shares))] = 0.0
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _mistaken(recall: Floats, pull: float) -> Floats:
    """P(predicted | gold) off the diagonal: the class that pulls, and the others."""
    table = _elsewhere()
    others = np.arange(len(recall)) != PULL
    table[others, PULL] = 0.0
    table[others] *= (1 - pull) / table[others].sum(axis=1, keepdims=True)
    table[others, PULL] = pull
    return np.asarray(table * (1 - recall)[:, None])


def _one_of_each(shares: Floats, numbers: np.random.Generator) -> Ints:
    """A column for each row, drawn by the row's probabilities."""
    bounds = np.cumsum(shares, axis=1)
    drawn = numbers.random((len(shares), 1)) * bounds[:, -1:]
    return np.asarray((drawn >= bounds[:, :-1]).sum(axis=1), dtype=np.int64)


def alike(recall: float) -> tuple[float, ...]:
    """The same recall for each class."""
    return (recall,) * len(LABELS)


ORDINARY = World(recall=(0.86, 0.80, 0.92, 0.78, 0.72, 0.84, 0.75, 0.80, 0.65, 0.60))
"""Accuracy 0.817, macro-F1 0.790, kappa 0.781, mean confidence 0.905, write precision 0.66."""

BAD_RUN = World(recall=alike(0.85155), current_right=0.75)
"""Write precision 0.60."""

ONE_FAULTY_CLASS = World(
    recall=tuple(0.98 if place == PULL else 0.85972 for place in range(len(LABELS))), pull=1.0
)
"""Every error goes into the class that pulls: 0.31 there, 0.99 elsewhere, 0.75 overall."""

GOOD_RUN = World(recall=alike(0.96386), pull=0.15, candour=0.9)
"""Write precision 0.92 overall and at least 0.90 in each class; higher where the model is sure."""

HARMFUL_RUN = World(recall=alike(0.98), pull=0.15, current_right=0.95)
"""A model that is 98% right over labels that are 95% right: write precision 0.71."""
