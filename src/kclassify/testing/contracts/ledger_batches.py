"""Batches are remembered: nothing of one is lost, and nothing of one is charged twice."""
# ruff: noqa: S101, D102, PLR2004 - a suite of tests: each name says the behaviour

from __future__ import annotations

from dataclasses import replace

from kclassify.core.batch import NONCE_CHARS, BatchStatus, Standing, Tried
from kclassify.core.decision import Superseded
from kclassify.ports import Ledger, Mode
from kclassify.testing.contracts.batch_material import (
    again,
    answer,
    collect,
    digests,
    in_flight,
    known,
    plan_of,
    planned,
    reach,
    remote,
    unanswered,
)
from kclassify.testing.contracts.ledger_material import (
    LEASE_S,
    NOW,
    LedgerMaterial,
    MakeLedger,
    digest,
    divided,
    open_pass,
)


class LedgerBatches(LedgerMaterial):
    """Batches from their plan on."""

    def test_a_pass_begins_without_batches(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        assert ledger.batches.standing(opened) == Standing()
        assert ledger.batches.tried(opened, digests(1, 2)) == {}
        assert ledger.batches.tried(opened, []) == {}
        assert not ledger.batches.remote_ids(0.0)

    def test_a_plan_is_there_before_the_batch_is(self, make_ledger: MakeLedger) -> None:
        opened, batch = planned(make_ledger(), open_pass(make_ledger()), plan_of(1, 2, held=50))
        found = make_ledger().batches.standing(opened)
        assert found == Standing((batch,), 2)
        assert (batch.status, batch.requests, batch.remote_id) == (BatchStatus.INTENT, 2, None)
        assert (batch.intended_at, batch.held) == (NOW, 50)
        assert make_ledger().batches.tried(opened, digests(1, 9)) == {
            digest(1): Tried(in_flight=True)
        }

    def test_a_plan_moves_the_fence(self, ledger: Ledger) -> None:
        before = open_pass(ledger)
        opened, _ = planned(ledger, before, plan_of(1))
        assert opened == replace(before, version=before.version + 1)
        assert ledger.batches.plan(before, plan_of(2), NOW) == Superseded()
        planned(ledger, opened, plan_of(2))

    def test_who_lost_the_run_plans_nothing(self, ledger: Ledger) -> None:
        before = open_pass(ledger)
        now = open_pass(ledger, holder="two", now=NOW + LEASE_S + 1)
        assert ledger.batches.plan(before, plan_of(1), NOW) == Superseded("two")
        assert ledger.batches.standing(now) == Standing()
        assert ledger.batches.tried(now, digests(1)) == {}

    def test_an_item_is_planned_once(self, ledger: Ledger) -> None:
        _, batch = planned(ledger, open_pass(ledger), plan_of(1, 2, 1))
        assert batch.requests == 2

    def test_each_batch_keeps_its_nonce(self, ledger: Ledger) -> None:
        opened, _ = planned(ledger, open_pass(ledger), plan_of(1, nonce="a" * NONCE_CHARS))
        opened, second = planned(ledger, opened, plan_of(2, nonce="B" * NONCE_CHARS))
        ledger.batches.sent(second, remote(), NOW + 2)
        nonces = [batch.nonce for batch in ledger.batches.standing(opened).batches]
        assert nonces == ["a" * NONCE_CHARS, "B" * NONCE_CHARS]

    def test_plans_are_told_in_their_order_with_the_reach_of_the_last(self, ledger: Ledger) -> None:
        opened, first = planned(ledger, open_pass(ledger), plan_of(1, 2))
        opened, second = planned(ledger, opened, plan_of("b", reached="c", is_all=True))
        assert ledger.batches.standing(opened) == Standing((first, second), "c", is_all=True)

    def test_what_the_provider_tells_is_kept(self, ledger: Ledger) -> None:
        opened, batch = planned(ledger, open_pass(ledger), plan_of(1, held=9))
        sent = ledger.batches.sent(batch, remote(), NOW + 2)
        assert sent == replace(
            batch,
            status=BatchStatus.SENT,
            remote_id="msgbatch_1",
            expires_at=NOW + 86_400,
            polled_at=NOW + 2,
        )
        assert known(ledger, opened, batch) == sent
        ended = ledger.batches.sent(sent, replace(remote(is_ended=True), expires_at=None), NOW + 9)
        assert ended == replace(sent, status=BatchStatus.ENDED, polled_at=NOW + 9)

    def test_a_batch_that_has_ended_does_not_go_on(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1)
        ended = ledger.batches.sent(batch, remote(is_ended=True), NOW + 3)
        assert ledger.batches.sent(batch, remote(), NOW + 4) == ended
        ledger.batches.read(batch, NOW + 5)
        over = ledger.batches.sent(batch, remote(is_ended=True), NOW + 6)
        assert over.status is BatchStatus.READ
        assert known(ledger, opened, batch) is None

    def test_the_items_of_a_lost_batch_are_free(self, ledger: Ledger) -> None:
        opened, batch = planned(ledger, open_pass(ledger), plan_of(1, 2, is_all=True, held=9))
        ledger.batches.lost(batch, NOW + 40)
        assert ledger.batches.standing(opened) == Standing()
        assert ledger.spending("r").held == 0
        assert ledger.batches.tried(opened, digests(1, 2)) == {}
        assert ledger.batches.sent(batch, remote(), NOW + 41).status is BatchStatus.LOST
        opened, other = planned(ledger, opened, plan_of(1, 2))
        assert ledger.batches.standing(opened) == Standing((other,), 2)

    def test_plans_after_a_lost_one_reach_no_further_than_the_one_before(
        self, ledger: Ledger
    ) -> None:
        opened, _ = planned(ledger, open_pass(ledger), plan_of(1, 2))
        opened, lost = planned(ledger, opened, plan_of(3, 4))
        opened, _ = planned(ledger, opened, plan_of(5, 6, is_all=True))
        assert reach(ledger.batches.standing(opened)) == (6, True)
        ledger.batches.lost(lost, NOW + 40)
        assert reach(ledger.batches.standing(opened)) == (2, False)
        opened, _ = planned(ledger, opened, plan_of(3, 4, reached=6, is_all=True))
        assert reach(ledger.batches.standing(opened)) == (6, True)

    def test_a_lost_batch_of_items_asked_again_costs_no_reach(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2)
        collect(ledger, opened, batch, [unanswered(1), answer(2)])
        opened, lost = planned(ledger, opened, plan_of(1, reached=2))
        ledger.batches.lost(lost, NOW + 40)
        assert reach(ledger.batches.standing(opened)) == (2, False)
        assert again(ledger, opened) == 1

    def test_a_batch_that_the_provider_has_is_not_lost(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1)
        ledger.batches.lost(batch, NOW + 40)
        assert known(ledger, opened, batch) == batch
        assert ledger.batches.tried(opened, digests(1))[digest(1)].in_flight

    def test_a_pass_that_goes_on_finds_its_batches(self, make_ledger: MakeLedger) -> None:
        opened, batch = in_flight(make_ledger(), open_pass(make_ledger()), 1)
        resumed = open_pass(make_ledger(), holder="two", now=NOW + LEASE_S + 1)
        assert resumed.id == opened.id
        assert make_ledger().batches.standing(resumed) == Standing((batch,), 1)

    def test_a_new_pass_has_none_of_the_batches_before(self, ledger: Ledger) -> None:
        in_flight(ledger, open_pass(ledger), 1)
        anew = open_pass(ledger, fingerprint="e" * 64)
        assert ledger.batches.standing(anew) == Standing()
        assert ledger.batches.tried(anew, digests(1)) == {}
        assert ledger.batches.remote_ids(NOW) == {"msgbatch_1"}

    def test_the_batches_of_all_runs_are_known(self, ledger: Ledger) -> None:
        in_flight(ledger, open_pass(ledger), 1)
        in_flight(ledger, open_pass(ledger, run="other"), 1, name="msgbatch_2")
        planned(ledger, open_pass(ledger, run="third"), plan_of(1))
        assert ledger.batches.remote_ids(NOW) == {"msgbatch_1", "msgbatch_2"}
        assert ledger.batches.remote_ids(NOW + 2) == {"msgbatch_1", "msgbatch_2"}
        assert ledger.batches.remote_ids(NOW + 60) == set()

    def test_each_shard_has_its_own_batches(self, ledger: Ledger) -> None:
        first = divided(ledger)
        second = open_pass(ledger, Mode.DRY_RUN, holder="two")
        first, one = in_flight(ledger, first, 1)
        second, two = in_flight(ledger, second, 3, name="msgbatch_2")
        assert ledger.batches.standing(first) == Standing((one,), 1)
        assert ledger.batches.standing(second) == Standing((two,), 3)
        assert ledger.batches.tried(first, digests(3))[digest(3)].in_flight
        collect(ledger, second, two, [unanswered(3)])
        assert (again(ledger, first), again(ledger, second)) == (0, 1)

    def test_batches_from_before_a_cut_are_those_of_the_first_shard(self, ledger: Ledger) -> None:
        whole, batch = in_flight(ledger, open_pass(ledger, Mode.DRY_RUN), 1, 2, 3)
        first = divided(ledger, opened=whole)
        second = open_pass(ledger, Mode.DRY_RUN, holder="two")
        assert ledger.batches.standing(first) == Standing((batch,), 3)
        assert ledger.batches.standing(second) == Standing()
        assert ledger.batches.tried(second, digests(3))[digest(3)].in_flight
        collect(ledger, first, batch, [answer(1), unanswered(2)])
        assert again(ledger, first) == 1
