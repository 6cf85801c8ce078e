"""Gold against predicted label as a table of cells, and the scores of many such tables at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelTable:
    """The cells that occur: the gold and the predicted label of each, and the cell of each row.

    Labels are numbers below `labels`. Cells without a row are none, so that ten thousand rows in 77
    labels need no more room than they fill.
    """

    labels: int
    gold: Ints
    predicted: Ints
    cells: Ints

    @classmethod
    def of(cls, gold: Ints, predicted: Ints, labels: int) -> LabelTable:
        """The table of rows with these labels."""
        pairs, cells = np.unique(gold * labels + predicted, return_inverse=True)
        return cls(labels, pairs // labels, pairs % labels, cells)

    def __len__(self) -> int:
        return len(self.gold)

    def totals(self, weights: Floats) -> Floats:
        """The weight in each cell."""
        return np.bincount(self.cells, weights, len(self)).astype(np.float64)

    def macro_f1(self, tables: Floats) -> Floats:
        """The mean of F1 over the labels that occur, of each table (a row each)."""
        right, both = self._right_and_both(tables)
        occurs = both > 0
        f1 = np.divide(2 * right, both, out=np.zeros_like(both), where=occurs)
        return _ratio(f1.sum(axis=1), occurs.sum(axis=1).astype(np.float64))

    def kappa(self, tables: Floats) -> Floats:
        """Cohen's kappa of each table (a row each); NaN where chance alone always agrees."""
        gold, predicted = tables @ self._by_gold, tables @ self._by_predicted
        total = tables.sum(axis=1)
        chance = _ratio((gold * predicted).sum(axis=1), total * total)
        observed = _ratio(tables[:, self._diagonal].sum(axis=1), total)
        return _ratio(observed - chance, np.where(np.isclose(chance, 1), 0.0, 1 - chance))

    def _right_and_both(self, tables: Floats) -> tuple[Floats, Floats]:
        right = tables[:, self._diagonal] @ self._by_gold[self._diagonal]
        return np.asarray(right), np.asarray(tables @ (self._by_gold + self._by_predicted))

    @cached_property
    def _diagonal(self) -> Mask:
        return np.asarray(self.gold == self.predicted)

    @cached_property
    def _by_gold(self) -> sparse.csr_array:
        return _indicator(self.gold, self.labels)

    @cached_property
    def _by_predicted(self) -> sparse.csr_array:
        return _indicator(self.predicted, self.labels)


def number_labels(names: Sequence[str], labels: Sequence[str]) -> Ints:
    """The place of each name among the labels. Raises `KeyError` for one that is not there."""
    place = {label: number for number, label in enumerate(labels)}
    return np.array([place[name] for name in names], dtype=np.int64)


def _indicator(of_cell: Ints, labels: int) -> sparse.csr_array:
    ones = np.ones(len(of_cell))
    return sparse.csr_array(
        (ones, (np.arange(len(of_cell)), of_cell)), shape=(len(of_cell), labels)
    )


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole != 0)
