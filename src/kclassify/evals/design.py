"""How a sample was drawn, and what that does to the uncertainty of a share.

Rows of different weight, drawn in strata or alike in clusters, tell less (or more) than as many
independent ones. The standard error is that of the rescaled bootstrap of Rao and Wu (1988), each
stratum of n clusters resampled by n - 1 of them. The effective n = p(1 - p) / SE^2 goes where a
plain count would, corrected for the degrees of freedom of that standard error: E. L. Korn and B. I.
Graubard, "Confidence intervals for proportions with small expected number of positive counts
estimated from survey data", Survey Methodology 24 (1998).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from kclassify.core.metrics import Interval
from kclassify.errors import UsageError
from kclassify.evals.intervals import WILSON, wilson
from kclassify.evals.labelled import LabelledItem
from kclassify.evals.resampling import Units

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

EFFECTIVE = f"{WILSON}, effective n"
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Design:
    """Weight, stratum and cluster of each row; strata and clusters are numbers of no meaning."""

    weights: Floats
    strata: Ints
    clusters: Ints

    @classmethod
    def of(cls, rows: Sequence[LabelledItem]) -> Design:
        """The design of these rows. No stratum is a stratum too; no cluster is one of its own.

        Raises `UsageError` when some rows have a weight and others none, and for a weight that is
        not a positive number.
        """
        clusters = [
            (True, str(place)) if row.cluster_id is None else (False, row.cluster_id)
            for place, row in enumerate(rows)
        ]
        return cls(_weights(rows), _numbered(row.stratum for row in rows), _numbered(clusters))

    @classmethod
    def simple(cls, n: int) -> Design:
        """The design of n rows that were drawn alike and independently."""
        return cls(np.ones(n), np.zeros(n, dtype=np.int64), np.arange(n))

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def is_simple(self) -> bool:
        """Whether all rows weigh the same, in one stratum, each its own cluster."""
        return (
            len(np.unique(self.weights)) <= 1
            and len(np.unique(self.strata)) <= 1
            and len(np.unique(self.clusters)) == len(self)
        )

    @cached_property
    def units(self) -> Units:
        """What is resampled: the clusters within their strata."""
        return Units.of(self.strata, self.clusters)

    def subset(self, mask: Mask) -> Design:
        """The design of the rows that the mask picks."""
        return Design(self.weights[mask], self.strata[mask], self.clusters[mask])


def proportion(
    values: Mask, design: Design, domain: Mask | None = None, level: float = 0.95
) -> Interval:
    """The weighted share of true values among the rows of the domain, and Wilson's interval.

    Its `n` is the effective one, at most the number of rows in the domain. Where all values are
    alike there is no standard error, and n is divided by Kish's design effect of the weights, with
    the rows of a cluster taken for one.
    """
    share, n = _share_and_n(values, design, domain)
    found = wilson(share * n, n, level)
    method = WILSON if design.is_simple else EFFECTIVE
    low, high = min(found.low, share), max(found.high, share)
    return Interval(share, low, high, n, method, level)


def effective_counts(values: Mask, design: Design, domain: Mask | None = None) -> tuple[int, int]:
    """Successes and trials for an exact test, both rounded down: never more than was seen.

    What strata may have gained is left out here: trials are at most n over Kish's design effect of
    the weights, so that a few heavy rows that happen to be right certify nothing.
    """
    share, n = _share_and_n(values, design, domain)
    trials = floor(min(n, _kish(_inside(design, domain))) + _ROUNDING)
    return floor(share * trials + _ROUNDING), trials


def _share_and_n(values: Mask, design: Design, domain: Mask | None) -> tuple[float, float]:
    weights = _inside(design, domain)
    rows, right = np.count_nonzero(weights), np.count_nonzero(weights[values])
    if not rows:
        return 0.5, 0.0
    if design.is_simple:
        return right / rows, float(rows)
    if right in {0, rows}:
        return right / rows, design.units.kish(weights)
    share = float(weights[values].sum() / weights.sum())
    return share, _effective_n(share, weights * (values - share) / weights.sum(), weights, design)


def _effective_n(share: float, residuals: Floats, weights: Floats, design: Design) -> float:
    """p(1 - p) / SE^2, at most the rows there are; less where few clusters tell of the variance."""
    units, rows = design.units, float(np.count_nonzero(weights))
    spread, variance = share * (1 - share), units.variance(residuals)
    if variance <= _ROUNDING * spread / rows:
        return units.kish(weights)
    known = _student(rows - 1) / _student(units.freedom(weights > 0))
    most = _kish(weights) if units.has_collapsed else rows
    return min(spread / variance * min(1.0, known) ** 2, most)


def _student(freedom: float) -> float:
    return float(special.stdtrit(freedom, 0.975))


def _inside(design: Design, domain: Mask | None) -> Floats:
    return design.weights if domain is None else np.where(domain, design.weights, 0.0)


def _kish(weights: Floats) -> float:
    """N over Kish's design effect of the weights (1965)."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _weights(rows: Sequence[LabelledItem]) -> Floats:
    without = [row.id for row in rows if row.weight is None]
    if without and len(without) < len(rows):
        raise UsageError(
            f"row {without[0]!r} has no weight and others have one: "
            "give every row its weight, or none where all were drawn alike"
        )
    weights = np.array([1.0 if row.weight is None else row.weight for row in rows], dtype=float)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(wrong):
        row = rows[int(wrong[0])]
        raise UsageError(f"row {row.id!r} has the weight {row.weight}: a weight is above 0")
    return weights


def _numbered(names: Iterable[Hashable]) -> Ints:
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)
