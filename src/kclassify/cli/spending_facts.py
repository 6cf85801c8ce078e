"""What was spent, as data."""

from __future__ import annotations

from kclassify.core.price import NANODOLLARS
from kclassify.core.spending import Charge, Spending


def spending_facts(spending: Spending) -> dict[str, object]:
    """Dollars, and the calls that they were for. `usd` is None where no price was known."""
    charge = spending.charge
    return {
        "usd": in_dollars(charge),
        "uncertain_usd": charge.uncertain / NANODOLLARS,
        "held_usd": spending.held / NANODOLLARS,
        "calls": charge.calls,
        "unpriced_calls": charge.unpriced,
    }


def in_dollars(charge: Charge) -> float | None:
    """None where nothing of it has a known price."""
    if charge.unpriced and not charge.cost:
        return None
    return charge.cost / NANODOLLARS
