"""Workers hold their part of the budget of a run, and never more of it together."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

import pytest

from kclassify.core.decision import Advance, Done, Superseded
from kclassify.core.spending import Hold, Spending
from kclassify.ports import Ledger, Mode, Pass
from kclassify.testing.contracts.ledger_leases import enqueue, fail
from kclassify.testing.contracts.ledger_material import (
    LEASE_S,
    NOW,
    LedgerMaterial,
    MakeLedger,
    divided,
    open_pass,
    same,
    save,
    three_workers,
)
from kclassify.testing.contracts.ledger_spending import LATER, charge, pay

BUDGET = 1000
DRY = Mode.DRY_RUN


def held(ledger: Ledger, opened: Pass, wanted: int, budget: int = BUDGET) -> int:
    """What the step holds once it has asked for so much in all."""
    return ledger.reserve(opened, budget, wanted, NOW).held


def left(ledger: Ledger, opened: Pass, now: float = NOW, budget: int = BUDGET) -> Hold:
    """What there is for others, of a step that wants nothing."""
    return ledger.reserve(opened, budget, 0, now)


class LedgerHolds(LedgerMaterial):
    """What a worker holds of the budget, and what becomes of it."""

    def test_a_step_holds_what_it_asks_for_while_there_is_some(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        assert ledger.reserve(opened, BUDGET, 300, NOW) == Hold(300, 700)
        assert ledger.reserve(opened, BUDGET, 300, NOW) == Hold(300, 700)
        assert ledger.reserve(opened, BUDGET, 500, NOW) == Hold(500, 500)
        assert ledger.reserve(opened, BUDGET, 1400, NOW) == Hold(1000, 0)
        assert ledger.spending("r") == Spending(held=1000)

    def test_what_a_step_no_longer_wants_is_there_for_others(self, ledger: Ledger) -> None:
        first, second, _ = three_workers(ledger)
        held(ledger, first, 1000)
        pay(ledger, first, 100)
        assert ledger.reserve(first, BUDGET, 250, NOW) == Hold(250, 650)
        assert ledger.reserve(second, BUDGET, 700, NOW) == Hold(650, 0, others=True)
        assert ledger.reserve(first, BUDGET, 0, NOW) == Hold(0, 250, others=True)
        assert ledger.reserve(second, BUDGET, 700, NOW) == Hold(700, 200)

    def test_what_flies_stays_held_in_a_budget_that_was_lowered(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        held(ledger, opened, 600)
        assert ledger.reserve(opened, 300, 700, NOW) == Hold(600, 0)
        assert ledger.reserve(opened, 300, 600, NOW) == Hold(600, 0)

    def test_what_calls_cost_is_no_longer_held(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        held(ledger, opened, 600)
        pay(ledger, opened, 100, 50)
        assert ledger.spending("r") == Spending(charge(100, 50), 450)
        assert ledger.reserve(opened, BUDGET, 450, NOW) == Hold(450, 400)
        pay(ledger, opened, 450)
        assert left(ledger, opened) == Hold(0, 400)

    def test_a_call_that_costs_more_than_is_held_leaves_no_debt(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        held(ledger, opened, 10)
        pay(ledger, opened, 25, 5)
        assert ledger.spending("r") == Spending(charge(25, 5), 0)
        assert held(ledger, opened, 5000) == 970

    def test_what_may_have_been_spent_is_not_spent_again(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        pay(ledger, opened, 0, 400)
        assert ledger.reserve(opened, BUDGET, 5000, NOW) == Hold(600, 0)

    def test_a_budget_that_is_overspent_has_nothing_left(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        pay(ledger, opened, 1500)
        assert ledger.reserve(opened, BUDGET, 10, NOW) == Hold(0, 0)
        assert ledger.reserve(opened, 2000, 10, NOW) == Hold(10, 490)

    def test_the_end_of_a_step_lets_go_of_what_it_held(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        held(ledger, opened, 600)
        pay(ledger, opened, 100)
        ledger.close_step(opened, Advance(None), NOW)
        assert ledger.spending("r") == Spending(charge(100), 0)
        assert held(ledger, open_pass(ledger), 5000) == 900

    def test_a_step_that_has_ended_is_given_nothing(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        ledger.close_step(opened, Advance(None), NOW)
        assert ledger.reserve(opened, BUDGET, 100, NOW) == Hold(0, 1000)
        assert ledger.spending("r") == Spending()

    def test_who_was_overtaken_lets_go_of_its_own_and_of_nothing_else(self, ledger: Ledger) -> None:
        loser = open_pass(ledger, DRY, holder="one")
        held(ledger, loser, 300)
        winner = open_pass(ledger, DRY, holder="two", now=LATER)
        held(ledger, winner, 200)
        ledger.close_step(loser, Superseded("two"), LATER)
        assert ledger.spending("r").held == 200
        assert ledger.heartbeat(winner, LATER, LEASE_S)

    def test_what_the_dead_held_stays_held(self, make_ledger: MakeLedger) -> None:
        first = make_ledger()
        dead = open_pass(first, DRY, holder="one")
        held(first, dead, 300)
        pay(first, dead, 100)
        ledger = make_ledger()
        heir = open_pass(ledger, DRY, holder="two", now=LATER)
        assert ledger.reserve(heir, BUDGET, 5000, LATER) == Hold(700, 0)
        ledger.close_step(heir, Done(), LATER)
        assert ledger.spending("r") == Spending(charge(100), 200)
        assert left(ledger, open_pass(ledger, now=LATER), LATER) == Hold(0, 700)

    def test_what_a_former_self_held_stays_held_and_is_not_waited_for(self, ledger: Ledger) -> None:
        held(ledger, open_pass(ledger), 300)
        again = open_pass(ledger)
        assert ledger.reserve(again, BUDGET, 5000, NOW) == Hold(700, 0)

    def test_who_an_enqueued_step_wakes_finds_the_budget_free(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, DRY)
        held(ledger, opened, 600)
        save(ledger, opened, [same(1)], None, enqueue)
        assert ledger.spending("r").held == 0

    def test_an_error_in_on_commit_leaves_what_is_held(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, DRY)
        held(ledger, opened, 600)
        with pytest.raises(ZeroDivisionError):
            save(ledger, opened, [same(1)], None, fail)
        assert ledger.spending("r").held == 600

    def test_a_checkpoint_in_the_midst_of_a_step_leaves_what_is_held(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, DRY)
        held(ledger, opened, 600)
        opened = save(ledger, opened, [same(1)]).opened
        assert held(ledger, opened, 700) == 700

    def test_shards_share_the_budget_of_their_run(self, ledger: Ledger) -> None:
        first, second, third = three_workers(ledger)
        assert [held(ledger, each, 400) for each in (first, second, third)] == [400, 400, 200]
        pay(ledger, first, 50)
        ledger.close_step(first, Advance(None), NOW)
        assert held(ledger, second, 5000) == 750

    def test_what_was_held_before_a_cut_is_held_by_the_first_part(self, ledger: Ledger) -> None:
        whole = open_pass(ledger, DRY)
        held(ledger, whole, 400)
        first = divided(ledger, opened=whole)
        second = open_pass(ledger, DRY, holder="two")
        assert left(ledger, second) == Hold(0, 600, others=True)
        assert held(ledger, first, 500) == 500
        ledger.close_step(first, Advance(None), NOW)
        assert left(ledger, second) == Hold(0, 1000)


class LedgerOthers(LedgerMaterial):
    """Whether it is worth waiting for more: others that live hold some."""

    def test_others_that_live_hold_some(self, ledger: Ledger) -> None:
        first, second, _ = three_workers(ledger)
        assert ledger.reserve(first, BUDGET, 1000, NOW) == Hold(1000, 0, others=False)
        assert ledger.reserve(second, BUDGET, 10, NOW) == Hold(0, 0, others=True)

    def test_others_that_hold_nothing_are_not_waited_for(self, ledger: Ledger) -> None:
        first, second, _ = three_workers(ledger)
        held(ledger, first, 100)
        pay(ledger, first, 100)
        assert not left(ledger, second).others

    def test_others_whose_lease_ran_out_are_not_waited_for(self, ledger: Ledger) -> None:
        first, second, _ = three_workers(ledger)
        held(ledger, first, 100)
        assert left(ledger, second, LATER - 1).others
        assert not left(ledger, second, LATER).others
        assert ledger.heartbeat(first, LATER, LEASE_S)
        assert left(ledger, second, LATER).others

    def test_a_dead_worker_of_a_shard_is_not_waited_for_once_another_has_it(
        self, ledger: Ledger
    ) -> None:
        first, second, _ = three_workers(ledger)
        held(ledger, first, 100)
        assert ledger.heartbeat(second, LATER, LEASE_S)
        heir = open_pass(ledger, DRY, holder="four", now=LATER, shard=1)
        assert left(ledger, second, LATER) == Hold(0, 900)
        held(ledger, heir, 50)
        assert left(ledger, second, LATER) == Hold(0, 850, others=True)
        assert ledger.reserve(heir, BUDGET, 50, LATER) == Hold(50, 850)

    def test_a_worker_from_before_the_pass_was_cut_is_not_waited_for(self, ledger: Ledger) -> None:
        held(ledger, open_pass(ledger, DRY, holder="one"), 100)
        whole = open_pass(ledger, DRY, holder="two", now=LATER)
        first = divided(ledger, opened=whole, now=LATER)
        assert left(ledger, first, LATER) == Hold(0, 900)

    def test_another_run_is_not_waited_for(self, ledger: Ledger) -> None:
        held(ledger, open_pass(ledger, run="another"), 100)
        assert left(ledger, open_pass(ledger)) == Hold(0, 1000)
