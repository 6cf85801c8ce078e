"""A ledger and a provider that count money: who pays what, whoever dies when."""

from __future__ import annotations

from dataclasses import dataclass, field

from kclassify.core.item import Item
from kclassify.core.spending import Charge, Hold, Spending
from kclassify.core.window import PROBE

PROBE_WORST = 7


def worst_case(item: Item) -> int:
    """From 1 to 10, by the text."""
    return PROBE_WORST if item is PROBE else 1 + int(item.digest[:4], 16) % 10


@dataclass
class StepRow:
    held: int = 0
    charge: Charge = field(default_factory=Charge)
    is_live: bool = True


@dataclass
class MoneyLedger:
    """What a ledger does with money, in the fewest lines."""

    budget: int
    steps: list[StepRow] = field(default_factory=list[StepRow])

    def open(self) -> StepRow:
        self.steps.append(StepRow())
        return self.steps[-1]

    def record(self, row: StepRow, charge: Charge) -> None:
        row.charge += charge
        row.held = max(0, row.held - charge.cost - charge.uncertain)

    def reserve(self, row: StepRow, wanted: int) -> Hold:
        row.held = min(wanted, row.held + max(0, self.budget - self.spending.most))
        left = max(0, self.budget - self.spending.most)
        return Hold(row.held, left, self.others_hold(row) > 0)

    def others_hold(self, row: StepRow) -> int:
        return sum(other.held for other in self.steps if other.is_live and other is not row)

    def close(self, row: StepRow) -> None:
        row.held, row.is_live = 0, False

    def die(self, row: StepRow) -> None:
        row.is_live = False

    @property
    def spending(self) -> Spending:
        charge = sum((row.charge for row in self.steps), Charge())
        return Spending(charge, sum(row.held for row in self.steps))


@dataclass
class Bill:
    """What the provider may bill at most: of an open call its worst case, of a lost one for good.

    It asks no ledger, so it shows a ledger that is told too little or too late.
    """

    sure: int = 0
    open: dict[int, int] = field(default_factory=dict[int, int])
    starts: int = 0

    def begin(self, worst: int) -> int:
        self.starts += 1
        self.open[self.starts] = worst
        return self.starts

    def end(self, number: int, cost: int) -> None:
        del self.open[number]
        self.sure += cost

    @property
    def most(self) -> int:
        return self.sure + sum(self.open.values())
