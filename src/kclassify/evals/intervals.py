"""Intervals of a proportion: Wilson's to show, Clopper and Pearson's to decide by."""

from __future__ import annotations

from typing import Any

from scipy import special
from statsmodels.stats import proportion as untyped

from kclassify.core.metrics import Interval

WILSON = "Wilson"
CLOPPER_PEARSON = "Clopper-Pearson"
_statsmodels: Any = untyped  # it ships no types


def wilson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's score interval (1927): it covers as often as it says on average, so it is shown.

    Takes effective counts, which need not be whole. With nothing counted it is all of [0, 1], about
    an estimate of 1/2. Raises `ValueError` for more successes than trials.
    """
    _check(successes, n)
    if n == 0:
        return Interval(0.5, 0.0, 1.0, 0.0, WILSON, level)
    low, high = _statsmodels.proportion_confint(successes, n, alpha=1 - level, method="wilson")
    share = successes / n
    return Interval(share, min(float(low), share), max(float(high), share), n, WILSON, level)


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """The exact interval of Clopper and Pearson (1934): it covers at least as often as it says.

    With nothing counted it is all of [0, 1], about an estimate of 1/2. Raises `ValueError` for more
    successes than trials.
    """
    share = successes / n if n else 0.5
    tail = (1 - level) / 2
    low, high = lower_bound(successes, n, tail), upper_bound(successes, n, tail)
    return Interval(share, low, high, n, CLOPPER_PEARSON, level)


def lower_bound(successes: int, n: int, alpha: float) -> float:
    """Clopper and Pearson's one-sided bound: the truth is lower with probability alpha at most."""
    _check(successes, n)
    return float(special.betaincinv(successes, n - successes + 1, alpha)) if successes else 0.0


def upper_bound(successes: int, n: int, alpha: float) -> float:
    """Clopper and Pearson's one-sided bound: the truth is higher with probability alpha at most."""
    return 1 - lower_bound(n - successes, n, alpha)


def _check(successes: float, n: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} are not a proportion")
