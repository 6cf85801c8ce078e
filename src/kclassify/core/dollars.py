"""How an amount is put into words."""

from __future__ import annotations

from kclassify.core.price import NANODOLLARS

_DOLLAR = 1.0
_CENT = 0.01
_LEAST = 0.0001


def dollars(nanodollars: float) -> str:
    """`$1,234.50`; under a cent with four digits."""
    return _told(nanodollars, _CENT)


def small_dollars(nanodollars: float) -> str:
    """The same for amounts that are held against each other: under a dollar with four digits."""
    return _told(nanodollars, _DOLLAR)


def _told(nanodollars: float, fine_below: float) -> str:
    amount = nanodollars / NANODOLLARS
    if 0 < amount < _LEAST:
        return "less than $0.0001"
    return f"${amount:,.4f}" if 0 < amount < fine_below else f"${amount:,.2f}"
