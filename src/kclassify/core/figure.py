"""A figure that a sample gives, and the interval that it lies in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

_UPPER = 0.975
"""The quantile that ends an interval of 95%."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of 0 or more, and the interval that holds the true one 95 times of 100."""

    value: float
    low: float
    high: float

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.value + other.value, self.low + other.low, self.high + other.high)

    def __mul__(self, other: Figure) -> Figure:
        return Figure(self.value * other.value, self.low * other.low, self.high * other.high)

    def less(self, other: Figure) -> Figure:
        """This one without a part of it, which is large where this one is."""
        return Figure(
            max(0.0, self.value - other.value),
            max(0.0, self.low - other.low),
            max(0.0, self.high - other.high),
        )

    def times(self, factor: float) -> Figure:
        """So many times this one."""
        return Figure(self.value * factor, self.low * factor, self.high * factor)

    def widened(self, share: float) -> Figure:
        """The same figure, whose interval reaches further out by this share of its ends."""
        return Figure(self.value, self.low * max(0.0, 1 - share), self.high * (1 + share))


NONE = Figure(0.0, 0.0, 0.0)


def exactly(value: float) -> Figure:
    """A figure that is known."""
    return Figure(value, value, value)


def mean_of(sample: Sequence[float], population: int) -> Figure:
    """The mean of a population that this random sample was drawn from without replacement.

    The interval is that of Student's t with the finite population correction: the mean itself where
    the sample is all there is. Raises `ValueError` for a sample that says nothing of the rest.
    """
    count = len(sample)
    if count > population or count < min(2, population) or not count:
        msg = f"a sample of {count} says nothing of {population}"
        raise ValueError(msg)
    mean = fmean(sample)
    if count == population:
        return exactly(mean)
    error = stdev(sample) * math.sqrt((1 - count / population) / count)
    half = _student(count - 1) * error
    return Figure(mean, max(0.0, mean - half), mean + half)


def mean_from_sums(count: int, total: float, squares: float) -> Figure:
    """The mean of a large population, of which so many values have this sum and sum of squares.

    Raises `ValueError` for fewer than two.
    """
    if count < 2:  # noqa: PLR2004
        msg = f"{count} values say nothing of the others"
        raise ValueError(msg)
    mean = total / count
    variance = max(0.0, (squares - count * mean * mean) / (count - 1))
    half = _student(count - 1) * math.sqrt(variance / count)
    return Figure(mean, max(0.0, mean - half), mean + half)


def share_of(hits: int, count: int) -> Figure:
    """The share of a large population, of which so many were looked at: Wilson's interval.

    Raises `ValueError` for none.
    """
    if not count:
        msg = "a share of nothing"
        raise ValueError(msg)
    z = NormalDist().inv_cdf(_UPPER)
    share, weight = hits / count, z * z / count
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return Figure(share, max(0.0, middle - half), min(1.0, middle + half))


def _student(freedom: int) -> float:
    """The 97.5% quantile of Student's t, right to three digits.

    Exact for one and two degrees of freedom, an expansion around the normal quantile beyond.
    """
    if freedom == 1:
        return math.tan(math.pi * (_UPPER - 0.5))
    if freedom == 2:  # noqa: PLR2004
        return (2 * _UPPER - 1) * math.sqrt(2 / (4 * _UPPER * (1 - _UPPER)))
    z = NormalDist().inv_cdf(_UPPER)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(
        term / float(freedom) ** power for power, term in enumerate(terms, start=1)
    )
