"""What a step holds of its run's budget, and whether the next call fits into that.

A step holds the worst case of each call before it starts. What the ledger holds for it, and this
with it, falls by what a call came to as that is recorded; the rest of the hold is free again once
the call has landed. All amounts are whole nanodollars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kclassify.core.decision import Halt
from kclassify.core.dollars import dollars
from kclassify.core.item import Item
from kclassify.core.spending import Charge, Hold, Spending
from kclassify.core.window import Call


def free(_: Item) -> int:
    """The worst case of what costs nothing."""
    return 0


class Budget:
    """The part of a run's budget that one step may spend. Without a total everything fits.

    `worst_case` is the most that a call for an item can cost; `settled` how many items of the pass
    are behind its cursor as the step begins, for people.
    """

    def __init__(
        self,
        total: int | None = None,
        worst_case: Callable[[Item], int] = free,
        settled: int = 0,
    ) -> None:
        self.total = total
        self.settled = settled
        self.held = 0
        self.in_flight = 0
        self.spending = Spending()
        self._worst_case = worst_case
        self._known: dict[str, int] = {}
        self._flying: dict[int | None, int] = {}
        self._last: Hold | None = None

    def worst(self, item: Item) -> int:
        """The most that a call for this item can cost."""
        if item.digest not in self._known:
            self._known[item.digest] = self._worst_case(item)
        return self._known[item.digest]

    def fits(self, item: Item) -> bool:
        """Whether a call for this item may start, as far as money goes."""
        return self.total is None or self.in_flight + self.worst(item) <= self.held

    def start(self, call: Call) -> None:
        """This call, which fits, starts."""
        if self.total is not None:
            worst = self._flying[call.number] = self.worst(call.item)
            self.in_flight += worst

    def land(self, call: Call) -> None:
        """This call is over, and what it came to is recorded: the rest of its hold is free."""
        self.in_flight -= self._flying.pop(call.number, 0)
        self._known.pop(call.item.digest, None)

    def wanted(self, coming: Iterable[Item]) -> int:
        """How much more to ask for, for the calls that come next: 0 while half of them fit.

        So asks are few; and at the end nothing is asked for that is not needed.
        """
        worst = [self.worst(item) for item in coming] if self.total is not None else []
        if not worst or self._is_all_gone:
            return 0
        spare = self.held - self.in_flight
        is_enough = spare >= worst[0] and 2 * spare >= sum(worst)
        return 0 if is_enough else max(0, sum(worst) - spare)

    def hold(self, hold: Hold, spending: Spending | None = None) -> None:
        """The ledger's answer to `wanted`; with what the run has spent, where that was asked."""
        self.held, self._last = hold.held, hold
        self.spending = self.spending if spending is None else spending

    def charge(self, charge: Charge) -> None:
        """This much of what the ledger held is spent, or may be: the record took it out."""
        held = max(0, self.held - charge.cost - charge.uncertain)
        others = self.spending.held - self.held
        self.spending = Spending(self.spending.charge + charge, others + held)
        self.held = held

    @property
    def _is_all_gone(self) -> bool:
        return self._last is not None and self._last.left <= 0 and not self._last.others

    def is_short_of(self, item: Item) -> bool:
        """Whether a call for this item will never fit: nothing comes back, or it is too dear."""
        if self.total is None or self.fits(item):
            return False
        return self._is_all_gone or self.worst(item) > self.total

    def halt(self, item: Item, settled: int) -> Halt:
        """The end of the money, before this item; `settled` more items are behind the cursor."""
        others = Spending(self.spending.charge, max(0, self.spending.held - self.held))
        return out_of_budget(self.total or 0, others, self.worst(item), self.settled + settled)


def out_of_budget(total: int, spending: Spending, worst: int, settled: int | None = None) -> Halt:
    """The halt of a run whose next request, of `worst` at most, does not fit into its budget.

    `settled` items of the pass are behind its cursor.
    """
    spent = f"{dollars(spending.charge.cost)} of {dollars(total)} is spent"
    open_ = spending.charge.uncertain + spending.held
    unsure = f", {dollars(open_)} more may be on the bill or is held" if open_ else ""
    done = "" if settled is None else f" (items of this pass settled so far: {settled:,})"
    return Halt(
        f"budget: {spent}{unsure}, and what is asked next may cost {dollars(worst)}{done}: raise "
        "[runner] budget_usd and run again: it goes on where it stopped"
    )
