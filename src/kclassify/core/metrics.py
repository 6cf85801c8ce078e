"""Intervals, the confusion matrix, and the metrics that are read off it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate between two bounds.

    `n` is the number of items it rests on, the effective one under weights or clusters. `method`
    names how the bounds were found, `level` is their nominal coverage.
    """

    estimate: float
    low: float
    high: float
    n: float
    method: str
    level: float = 0.95


@dataclass(frozen=True)
class ConfusionMatrix:
    """Weighted counts of items by gold label and predicted label.

    `counts` holds a row for each label as gold, a column for each as predicted, in the order of
    `labels`. Raises `ValueError` when it is not square.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.labels) for row in self.counts) or (
            len(self.counts) != len(self.labels)
        ):
            raise ValueError("a confusion matrix has a row and a column for each label")

    @classmethod
    def of(cls, labels: Iterable[str], pairs: Iterable[tuple[str, str, float]]) -> ConfusionMatrix:
        """The matrix of (gold, predicted, weight); a label that is not listed comes last."""
        cells: defaultdict[tuple[str, str], float] = defaultdict(float)
        for gold, predicted, weight in pairs:
            cells[gold, predicted] += weight
        met = sorted({label for pair in cells for label in pair})
        names = tuple(dict.fromkeys([*labels, *met]))
        return cls(names, tuple(tuple(cells[g, p] for p in names) for g in names))

    @cached_property
    def gold_totals(self) -> Mapping[str, float]:
        """The weight of each label as gold."""
        rows = zip(self.labels, self.counts, strict=True)
        return {label: sum(row) for label, row in rows}

    @cached_property
    def predicted_totals(self) -> Mapping[str, float]:
        """The weight of each label as predicted."""
        columns = zip(*self.counts, strict=True) if self.counts else ()
        return {label: sum(c) for label, c in zip(self.labels, columns, strict=True)}

    @property
    def total(self) -> float:
        """The weight of all items."""
        return sum(self.gold_totals.values())

    def right(self, label: str) -> float:
        """The weight of the items that are of this label and predicted so."""
        place = self.labels.index(label)
        return self.counts[place][place]

    def precision(self, label: str) -> float | None:
        """Of what is predicted as this label, the share that is; None when nothing is."""
        return _share(self.right(label), self.predicted_totals[label])

    def recall(self, label: str) -> float | None:
        """Of what is this label, the share that is predicted so; None when nothing is."""
        return _share(self.right(label), self.gold_totals[label])

    def f1(self, label: str) -> float | None:
        """The harmonic mean of precision and recall; None for a label that never occurs."""
        both = self.predicted_totals[label] + self.gold_totals[label]
        return _share(2 * self.right(label), both)

    @property
    def accuracy(self) -> float | None:
        """The share that is predicted right; None without items."""
        return _share(sum(self.right(label) for label in self.labels), self.total)

    @property
    def macro_f1(self) -> float | None:
        """The mean of F1 over the labels that occur as gold or as predicted."""
        each = [score for label in self.labels if (score := self.f1(label)) is not None]
        return sum(each) / len(each) if each else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: agreement beyond chance. None when chance alone would agree always."""
        total = self.total
        if not total:
            return None
        by_chance = sum(
            self.gold_totals[label] * self.predicted_totals[label] for label in self.labels
        ) / (total * total)
        observed = sum(self.right(label) for label in self.labels) / total
        return _share(observed - by_chance, 1 - by_chance)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
