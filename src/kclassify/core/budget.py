"""What a step holds of its run's budget, and whether the next call fits into that.

A step holds the worst case of each call before it starts. What the ledger holds for it, and this
with it, falls by what a call came to as that is recorded; the rest of the hold is free again once
the call has landed. A step that has to wait for other workers holds nothing meanwhile, so that what
is left over never lies with two that wait for each other. All amounts are whole nanodollars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from kclassify.core.decision import Halt, Snooze
from kclassify.core.dollars import small_dollars
from kclassify.core.item import Item
from kclassify.core.spending import NOTHING, Charge, Hold, Spending
from kclassify.core.verdict import Outcome
from kclassify.core.window import Call

HELD_BY_OTHERS = Snooze(10, "budget: what is left is held by other workers of this run")
"""It is no outage. Their calls end within seconds, and their steps within their time."""


def free(_: Item) -> int:
    """The worst case of what costs nothing."""
    return 0


class Budget:
    """The part of a run's budget that one step may spend. Without a total everything fits.

    `worst_case` is the most that a call for an item can cost, None where no price is known;
    `settled` how many items of the pass are behind its cursor as the step begins, for people.
    """

    def __init__(
        self,
        total: int | None = None,
        worst_case: Callable[[Item], int | None] = free,
        settled: int = 0,
    ) -> None:
        self.total = total
        self.settled = settled
        self.held = 0
        self.in_flight = 0
        self.spending = Spending()
        self._worst_case = worst_case
        self._known: dict[str, int | None] = {}
        self._flying: dict[int | None, int] = {}
        self._last: Hold | None = None

    def most(self, item: Item) -> int | None:
        """The most that a call for this item can cost; None where no price is known."""
        if item.digest not in self._known:
            self._known[item.digest] = self._worst_case(item)
        return self._known[item.digest]

    def worst(self, item: Item) -> int:
        """The same, to count with: what has no price does not fit into any total."""
        most = self.most(item)
        return (self.total or 0) + 1 if most is None else most

    def bounded(self, item: Item, outcome: Outcome[str]) -> Outcome[str]:
        """The outcome of a call for this item, where money counts with all that it can have cost.

        A classifier that leaves out what its answer cost would spend a budget unseen.
        """
        is_told = outcome.cost is not None and outcome.uncertain is not None
        if self.total is None or is_told or Charge.of(outcome) == NOTHING:
            return outcome
        return replace(outcome, uncertain=max(0, self.worst(item) - (outcome.cost or 0)))

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

    def wanted(self, coming: Iterable[Item]) -> int | None:
        """How much to hold in all, for what flies and comes next; None while that is about right.

        Right is enough for half of what comes, and not twice of it: so asks are few, and what is
        not needed goes back. It is never less than the worst cases of what flies.
        """
        if self.total is None or self._is_all_gone:
            return None
        worst = [self.worst(item) for item in coming]
        spare, ahead = self.held - self.in_flight, sum(worst)
        is_enough = not worst or (spare >= worst[0] and 2 * spare >= ahead)
        return None if is_enough and spare <= 2 * ahead else self.in_flight + ahead

    def lower(self, wanted: int) -> None:
        """The ledger is about to be asked for this: more may be gone before its answer is there."""
        self.held = min(self.held, wanted)

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

    def waits_for(self, item: Item) -> bool:
        """Whether a call for this item does not fit until other workers give something back."""
        if self.total is None or self.in_flight or self.fits(item) or self.is_short_of(item):
            return False
        return self._last is not None and self._last.others

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
    spent = f"{small_dollars(spending.charge.cost)} of {small_dollars(total)} is spent"
    open_ = spending.charge.uncertain + spending.held
    unsure = f", {small_dollars(open_)} more may be on the bill or is held" if open_ else ""
    done = "" if settled is None else f" (items of this pass settled so far: {settled:,})"
    following = f"and what is asked next may cost {small_dollars(worst)}{done}"
    return Halt(
        f"budget: {spent}{unsure}, {following}: raise [runner] budget_usd and run again: it goes "
        "on where it stopped"
    )
