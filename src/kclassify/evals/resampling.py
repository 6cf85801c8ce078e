"""The clusters of a sample within their strata, and the rescaled bootstrap over them.

J. N. K. Rao and C. F. J. Wu, "Resampling inference with complex survey data", Journal of the
American Statistical Association 83 (1988): of the n clusters of a stratum n - 1 are drawn with
replacement, and a cluster drawn k times counts k n / (n - 1) times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Units:
    """What is resampled: `of_row` numbers each row's unit, `stratum` each unit's stratum.

    Strata that share a cluster are one here, and so are those with a single cluster, whose variance
    nobody can tell: the collapsed strata of survey practice, which take it for too large rather
    than for nothing. Units are in the order of their strata.
    """

    of_row: Ints
    stratum: Ints
    has_collapsed: bool

    @classmethod
    def of(cls, strata: Ints, clusters: Ints) -> Units:
        """The units of rows with these strata and clusters."""
        _, first, of_row = np.unique(clusters, return_index=True, return_inverse=True)
        joined = _joined(strata, of_row)[first]
        stratum = _collapsed(joined)
        order = np.argsort(stratum, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        has_collapsed = len(np.unique(stratum)) < len(np.unique(joined))
        return cls(place[of_row], stratum[order], has_collapsed)

    def __len__(self) -> int:
        return len(self.stratum)

    @property
    def sizes(self) -> Ints:
        """How many units each stratum has."""
        return np.bincount(self.stratum)

    def totals(self, values: Floats) -> Floats:
        """The sum of a value of the rows, by unit."""
        return np.bincount(self.of_row, values, len(self)).astype(np.float64)

    def variance(self, values: Floats) -> float:
        """The variance of the sum of a value of the rows.

        It is what the bootstrap of Rao and Wu comes to with replicates without end, where it has a
        closed form; the residuals of a share, given as values, make it that of a ratio. 0 for a
        sample of one unit.
        """
        sizes, totals = self.sizes, self.totals(values)
        means = np.bincount(self.stratum, weights=totals) / sizes
        squares = np.bincount(self.stratum, weights=(totals - means[self.stratum]) ** 2)
        return float((squares * sizes / np.maximum(sizes - 1, 1)).sum())

    def freedom(self, rows: NDArray[np.bool_]) -> int:
        """The degrees of freedom of that variance: the units of these rows less their strata."""
        units = np.unique(self.of_row[rows])
        return max(1, len(units) - len(np.unique(self.stratum[units])))

    def kish(self, weights: Floats) -> float:
        """How many units of equal weight these are worth: n over Kish's design effect (1965).

        It takes the rows of a unit for copies of one another, so it is the least they can be worth.
        """
        totals = self.totals(weights)
        return float(totals.sum() ** 2 / (totals**2).sum())

    def replicates(self, count: int, numbers: np.random.Generator) -> Floats:
        """How often each unit counts in each of `count` replicates, a row a replicate."""
        sizes = self.sizes
        drawn = np.where(sizes > 1, sizes - 1, 1)
        starts = np.repeat(np.cumsum(sizes) - sizes, drawn)
        within = numbers.random((count, len(starts))) * np.repeat(sizes, drawn)
        chosen = starts + within.astype(np.int64)
        chosen += np.arange(count)[:, None] * len(self)
        times = np.bincount(chosen.ravel(), minlength=count * len(self))
        return times.reshape(count, len(self)) * (sizes / drawn)[self.stratum]


def _joined(strata: Ints, clusters: Ints) -> Ints:
    """The strata, those that have a cluster in common made one."""
    known = int(strata.max()) + 1 if len(strata) else 0
    found = int(clusters.max()) + 1 if len(clusters) else 0
    links = sparse.coo_array(
        (np.ones(len(strata)), (strata, known + clusters)), shape=(known + found, known + found)
    )
    _, parts = csgraph.connected_components(links, directed=False)
    return np.asarray(parts, dtype=np.int64)[strata]


def _collapsed(stratum: Ints) -> Ints:
    """The strata of units, numbered from 0, those with a single unit made one with others."""
    _, numbered, sizes = np.unique(stratum, return_inverse=True, return_counts=True)
    single = np.flatnonzero(sizes == 1)
    if not len(single) or len(sizes) == 1:
        return numbered
    into = single
    if len(single) == 1:
        others = np.where(sizes == 1, np.iinfo(np.int64).max, sizes)
        into = np.append(single, np.argmin(others))
    merged = np.where(np.isin(numbered, into), into[0], numbered)
    return np.unique(merged, return_inverse=True)[1]
