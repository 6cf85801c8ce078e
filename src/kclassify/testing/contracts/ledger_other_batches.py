"""The part of the suite for ledgers about batches of other passes of a run."""
# ruff: noqa: S101, D102, PLR2004 - a suite of tests: each name says the behaviour

from __future__ import annotations

from dataclasses import replace

from kclassify.core.batch import PlannedRequest
from kclassify.core.spending import Charge
from kclassify.ports import Ledger, Mode
from kclassify.testing.contracts.batch_material import (
    COST,
    answer,
    collect,
    digests,
    in_flight,
    plan_of,
    planned,
    reach,
    recalled,
    unanswered,
)
from kclassify.testing.contracts.ledger_material import LedgerMaterial, digest, open_pass

LATER = 1_800_000_100.0
OTHER = "e" * 64


class LedgerOtherBatches(LedgerMaterial):
    """Batches outlive the pass that planned them."""

    def test_the_unread_batches_of_all_passes_of_a_run_are_told(self, ledger: Ledger) -> None:
        _, first = in_flight(ledger, open_pass(ledger, Mode.DRY_RUN), 1)
        opened = open_pass(ledger, now=LATER, fingerprint=OTHER, model="other")
        opened, second = in_flight(ledger, opened, 1, name="msgbatch_2")
        in_flight(ledger, open_pass(ledger, run="another"), 1, name="msgbatch_3")
        told = ledger.batches.unread("r")
        assert [each.id for each in told] == [first.id, second.id]
        assert [each.remote_id for each in told] == ["msgbatch_1", "msgbatch_2"]
        assert [each.fingerprint for each in told] == ["f" * 64, OTHER]
        assert [each.model for each in told] == ["m", "other"]
        assert told[1].pass_id == opened.id != told[0].pass_id
        ledger.batches.read(first, LATER)
        assert [each.id for each in ledger.batches.unread("r")] == [second.id]
        assert not ledger.batches.unread("none")

    def test_what_waits_in_a_batch_of_another_pass_is_in_flight(self, ledger: Ledger) -> None:
        asking, batch = in_flight(ledger, open_pass(ledger, Mode.DRY_RUN), 1, 2, 3)
        collect(ledger, asking, batch, [unanswered(2)])
        opened = open_pass(ledger, now=LATER)
        met = ledger.batches.tried(opened, digests(1, 2, 3, 4))
        assert sorted(met) == sorted(digests(1, 3))
        assert all(each.in_flight and not each.attempts for each in met.values())
        assert ledger.batches.met(batch, digests(2))[digest(2)].attempts == 1
        ledger.batches.read(batch, LATER)
        assert not ledger.batches.tried(opened, digests(1, 2, 3, 4))

    def test_another_classifier_waits_for_none_of_them(self, ledger: Ledger) -> None:
        in_flight(ledger, open_pass(ledger, Mode.DRY_RUN), 1)
        opened = open_pass(ledger, now=LATER, fingerprint=OTHER)
        assert not ledger.batches.tried(opened, digests(1))

    def test_whoever_reads_it_is_charged_and_its_hold_comes_back(self, ledger: Ledger) -> None:
        asking = open_pass(ledger, Mode.DRY_RUN)
        ledger.reserve(asking, 9_000, 9_000, LATER)
        asking, batch = in_flight(ledger, asking, 1, held=9_000)
        opened = open_pass(ledger, now=LATER, fingerprint=OTHER)
        assert ledger.reserve(opened, 9_000, 1_000, LATER).held == 0
        assert collect(ledger, opened, batch, [answer(1)]) == 1
        ledger.batches.read(batch, LATER)
        assert recalled(ledger, 1) is not None
        assert ledger.spending("r").most == COST
        assert ledger.reserve(opened, 9_000, 1_000, LATER).held == 1_000

    def test_people_read_beside_the_workers(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1)
        beside = ledger.batches.beside("r", "batches were read", LATER)
        assert beside is not None
        assert (beside.id, beside.number) == (opened.id, opened.number)
        assert beside.step != opened.step
        assert ledger.reserve(beside, 9_000, 1_000, LATER).held == 0
        collect(ledger, beside, batch, [answer(1)])
        assert ledger.spending("r").charge.cost == COST
        assert ledger.heartbeat(opened, LATER, 60.0)
        assert isinstance(ledger.batches.plan(opened, plan_of(2), LATER), tuple)
        assert ledger.batches.beside("none", "batches were read", LATER) is None


class LedgerForgottenBatches(LedgerMaterial):
    """Batches that nobody can read any more."""

    def test_what_was_held_may_be_on_the_bill(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        ledger.reserve(opened, 9_000, 9_000, LATER)
        opened, batch = in_flight(ledger, opened, 1, 2, held=9_000)
        collect(ledger, opened, batch, [answer(1)])
        assert ledger.batches.forget(opened, batch, LATER) == 9_000 - COST
        spending = ledger.spending("r")
        assert (spending.charge.cost, spending.charge.uncertain) == (COST, 9_000 - COST)
        assert spending.held == 0
        assert ledger.batches.forget(opened, batch, LATER) == 0
        assert ledger.spending("r") == spending

    def test_without_a_budget_it_is_what_the_rest_can_cost(self, ledger: Ledger) -> None:
        asked = [PlannedRequest(digest(key), worst=100 * key) for key in (1, 2, 3)]
        plan = replace(plan_of(1, 2, 3), requests=asked)
        opened, batch = planned(ledger, open_pass(ledger), plan)
        collect(ledger, opened, batch, [answer(1)])
        assert ledger.batches.forget(opened, batch, LATER) == 500
        assert ledger.spending("r").charge == Charge.of(answer(1).outcome) + Charge(uncertain=500)

    def test_what_is_not_answered_is_free_again(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2, 3)
        collect(ledger, opened, batch, [answer(1), unanswered(2)])
        ledger.batches.forget(opened, batch, LATER)
        standing = ledger.batches.standing(opened)
        assert not standing.batches
        assert reach(standing) == (None, False)
        met = ledger.batches.tried(opened, digests(1, 2, 3))
        assert sorted(met) == sorted(digests(1, 2))
        assert (met[digest(2)].attempts, met[digest(2)].in_flight) == (1, False)

    def test_what_it_answers_later_is_not_taken(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2)
        ledger.batches.forget(opened, batch, LATER)
        assert collect(ledger, opened, batch, [answer(1)]) == 0
        assert recalled(ledger, 1) is None
        assert not ledger.spending("r").charge.cost
