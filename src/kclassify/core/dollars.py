"""How an amount is put into words."""

from __future__ import annotations

from kclassify.core.price import NANODOLLARS

_CENT = 0.01
_LEAST = 0.0001


def dollars(nanodollars: float) -> str:
    """`$1,234.50`; under a cent with four digits."""
    amount = nanodollars / NANODOLLARS
    if 0 < amount < _LEAST:
        return "less than $0.0001"
    return f"${amount:,.4f}" if 0 < amount < _CENT else f"${amount:,.2f}"
