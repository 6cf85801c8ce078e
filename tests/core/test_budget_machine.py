from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kclassify.core.budget import Budget
from kclassify.core.item import Item
from kclassify.core.spending import Charge, Hold, Spending
from kclassify.core.window import Call
from tests.core.budget_machine import BudgetMachine
from tests.core.money import MoneyLedger, StepRow

TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(stateful_step_count=40, max_examples=40)

Patch = pytest.MonkeyPatch


def reserve_after_send(patch: Patch) -> None:
    fits = Budget.fits

    def wrong(self: Budget, item: Item) -> bool:
        return fits(self, item) or (self.held == 0 and not self.in_flight)

    patch.setattr(Budget, "fits", wrong)


def settle_without_charge(patch: Patch) -> None:
    def wrong(self: Budget, charge: Charge) -> None:
        pass

    patch.setattr(Budget, "charge", wrong)


def uncertain_is_forgotten(patch: Patch) -> None:
    record = MoneyLedger.record

    def wrong(self: MoneyLedger, row: StepRow, charge: Charge) -> None:
        record(self, row, replace(charge, uncertain=0))

    patch.setattr(MoneyLedger, "record", wrong)


def probe_is_forgotten(patch: Patch) -> None:
    fits = Budget.fits

    def wrong(self: Budget, item: Item) -> bool:
        return item.key == "probe" or fits(self, item)

    patch.setattr(Budget, "fits", wrong)


def worst_case_is_halved(patch: Patch) -> None:
    worst = Budget.worst

    def wrong(self: Budget, item: Item) -> int:
        return worst(self, item) // 2

    patch.setattr(Budget, "worst", wrong)


def hold_released_on_a_crash(patch: Patch) -> None:
    patch.setattr(MoneyLedger, "die", MoneyLedger.close)


def a_landing_frees_nothing(patch: Patch) -> None:
    def wrong(self: Budget, call: Call) -> None:
        self._flying.pop(call.number, 0)

    patch.setattr(Budget, "land", wrong)


def nobody_asks(patch: Patch) -> None:
    def wrong(self: Budget, coming: Iterable[Item]) -> None:
        pass

    patch.setattr(Budget, "wanted", wrong)


def nobody_gives_back(patch: Patch) -> None:
    def wrong(self: Budget, item: Item) -> bool:
        return False

    patch.setattr(Budget, "waits_for", wrong)


def what_flies_is_given_back(patch: Patch) -> None:
    wanted = Budget.wanted

    def wrong(self: Budget, coming: Iterable[Item]) -> int | None:
        asked = wanted(self, coming)
        return None if asked is None else asked - self.in_flight

    patch.setattr(Budget, "wanted", wrong)


def others_are_not_waited_for(patch: Patch) -> None:
    hold = Budget.hold

    def wrong(self: Budget, hold_: Hold, spending: Spending | None = None) -> None:
        hold(self, replace(hold_, others=False), spending)

    patch.setattr(Budget, "hold", wrong)


def never_short(patch: Patch) -> None:
    def wrong(self: Budget, item: Item) -> bool:
        return False

    patch.setattr(Budget, "is_short_of", wrong)


def an_old_answer_counts(patch: Patch) -> None:
    def wrong(self: Budget, hold: Hold, spending: Spending | None = None) -> None:
        self.held, self._last = max(self.held, hold.held), hold
        self.held += hold.left

    patch.setattr(Budget, "hold", wrong)


@dataclass(frozen=True)
class Bug:
    plant: Callable[[Patch], None]
    caught_by: str


OVER = "does not fit|over the budget|may bill more"
NO_END = "no end|without a reason"
BUGS = (
    Bug(reserve_after_send, f"{OVER}|{NO_END}"),
    Bug(settle_without_charge, OVER),
    Bug(uncertain_is_forgotten, OVER),
    Bug(probe_is_forgotten, OVER),
    Bug(worst_case_is_halved, f"{OVER}|what flies none"),
    Bug(hold_released_on_a_crash, OVER),
    Bug(a_landing_frees_nothing, "what is over holds money"),
    Bug(nobody_asks, NO_END),
    Bug(nobody_gives_back, NO_END),
    Bug(what_flies_is_given_back, "what flies is given back"),
    Bug(others_are_not_waited_for, "a halt while others could still give back"),
    Bug(never_short, NO_END),
    Bug(an_old_answer_counts, OVER),
)
QUICK = settings(
    max_examples=1_000,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.plant.__name__)
def test_the_machine_finds_the_bug(bug: Bug, monkeypatch: Patch) -> None:
    bug.plant(monkeypatch)
    with pytest.raises(AssertionError, match=bug.caught_by):
        run_state_machine_as_test(BudgetMachine, settings=QUICK)
