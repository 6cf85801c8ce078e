"""Numbers as people read them: no more digits than they are worth.

A minus is U+2212, and a dash between two bounds U+2013.
"""

from __future__ import annotations

from kclassify.core.metrics import Interval

MINUS = "\u2212"
DASH = "\u2013"
NONE = "\u2014"
_NEARLY_NONE, _NEARLY_ALL = 0.0005, 0.9995
_CONFIDENCE = len("0.80")


def percent(share: float | None) -> str:
    """`92.6%`, `90%`; what is not quite nothing or all is never said to be."""
    if share is None:
        return NONE
    if 0 < share < _NEARLY_NONE:
        return "<0.1%"
    if _NEARLY_ALL <= share < 1:
        return ">99.9%"
    return f"{_trimmed(share * 100)}%".replace("-", MINUS)


def between(interval: Interval) -> str:
    """The bounds of a share: 88.2 to 95.6%."""
    return f"{_bound(interval.low)}{DASH}{_bound(interval.high)}%"


def share_with_bounds(interval: Interval | None) -> str:
    """`92.6% (88.2 to 95.6%)`."""
    return NONE if interval is None else f"{percent(interval.estimate)} ({between(interval)})"


def score_with_bounds(interval: Interval | None) -> str:
    """A score that is no share, as kappa: `0.91 (0.87 to 0.94)`."""
    if interval is None:
        return NONE
    low, high = (f"{bound:.2f}".replace("-", MINUS) for bound in (interval.low, interval.high))
    return f"{interval.estimate:.2f} ({low}{DASH}{high})".replace("-", MINUS)


def points_with_bounds(interval: Interval | None) -> str:
    """A difference of two scores in points: `+4.3 points (+1.1 to +7.8)`."""
    if interval is None:
        return NONE
    low, high = (f"{bound * 100:+.1f}" for bound in (interval.low, interval.high))
    said = f"{interval.estimate * 100:+.1f} points ({low} to {high})"
    return said.replace("-", MINUS)


def rounded(number: float) -> str:
    """A number of rows that is but estimated, to the whole row: `1,883`, `12`, `-340`.

    Coarser it would contradict the verdict's sentence, and could leave its own bounds.
    """
    said = f"{abs(number):,.0f}"
    return f"{MINUS}{said}" if number < 0 and said != "0" else said


def rows_between(interval: Interval) -> str:
    """The bounds of an estimated number of rows: `1,722 to 2,044`."""
    return f"{rounded(interval.low)} to {rounded(interval.high)}"


def signed(number: float) -> str:
    """`+1,883`, `-340`, `0`."""
    said = rounded(number)
    return f"+{said}" if number > 0 and said != "0" else said


def whole(number: float | None) -> str:
    """A count, or a sum of weights: `2,140`, `12.5`."""
    if number is None:
        return NONE
    return f"{number:,.0f}" if number >= 100 or number == round(number) else f"{number:,.1f}"  # noqa: PLR2004


def figure(number: float | None) -> str:
    """A number of any kind in a table: up to four digits, no needless zeros."""
    if number is None:
        return NONE
    if abs(number) >= 1000:  # noqa: PLR2004
        return f"{number:,.0f}".replace("-", MINUS)
    return f"{number:.4g}".replace("-", MINUS)


def confidence(value: float) -> str:
    """A confidence or a threshold, with two decimals unless it has more: `0.80`, `0.875`."""
    said = f"{value:.4f}".rstrip("0")
    return said if len(said) > _CONFIDENCE else f"{value:.2f}"


def ratio(value: float | None) -> str:
    """How many enter for each that leaves: `98`, `2.6`, `<0.1`."""
    if value is None:
        return NONE
    if 0 < value < 0.1:  # noqa: PLR2004
        return "<0.1"
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"  # noqa: PLR2004


def probability(value: float) -> str:
    """A p-value: `< 0.001`, `0.011`, `0.94`."""
    if value < 0.001:  # noqa: PLR2004
        return "< 0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"  # noqa: PLR2004


def seconds(value: float | None) -> str:
    """`840 ms`, `2.6 s`."""
    if value is None:
        return NONE
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 row`, `2,140 rows`."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def _bound(share: float) -> str:
    return _trimmed(share * 100).replace("-", MINUS)


def _trimmed(value: float) -> str:
    said = f"{value:.1f}"
    return said.removesuffix(".0")
