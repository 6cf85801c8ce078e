"""What came of each request of a batch is stored once: nothing is lost or charged twice."""
# ruff: noqa: S101, D102, PLR2004 - a suite of tests: each name says the behaviour

from __future__ import annotations

from dataclasses import replace

import pytest

from kclassify.core.batch import BatchPlan, PlannedRequest, Standing, Tried
from kclassify.core.decision import Done
from kclassify.core.item import Key
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.ports import Ledger
from kclassify.testing.contracts.batch_material import (
    COST,
    NONCE,
    again,
    answer,
    collect,
    digests,
    held_for,
    in_flight,
    plan_of,
    planned,
    recalled,
    remote,
    unanswered,
)
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    LedgerMaterial,
    MakeLedger,
    digest,
    failed,
    open_pass,
    verdict_of,
)


class LedgerBatchResults(LedgerMaterial):
    """Results, from the first that is read to the end of the batch."""

    def test_answers_are_verdicts_once_they_are_read(self, make_ledger: MakeLedger) -> None:
        opened, batch = in_flight(make_ledger(), open_pass(make_ledger()), 1, 2, 3)
        assert collect(make_ledger(), opened, batch, [answer(1), answer(2, "insight")]) == 2
        assert recalled(make_ledger(), 1) == verdict_of("playbook").as_recalled()
        assert recalled(make_ledger(), 2) == verdict_of("insight").as_recalled()
        assert recalled(make_ledger(), 3) is None
        judged = Tried(attempts=1, is_final=True, kind=OutcomeKind.JUDGED)
        assert make_ledger().batches.tried(opened, digests(1, 3)) == {
            digest(1): judged,
            digest(3): Tried(in_flight=True),
        }

    def test_results_are_stored_once_however_often_they_are_read(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2, held=5 * COST)
        assert collect(ledger, opened, batch, [answer(1), answer(1, "insight")]) == 1
        assert collect(ledger, opened, batch, [answer(1, "insight"), answer(2)]) == 1
        assert collect(ledger, opened, batch, []) == 0
        assert recalled(ledger, 1) == verdict_of("playbook").as_recalled()
        spending = ledger.spending("r")
        assert (spending.charge.calls, spending.charge.cost) == (2, 2 * COST)
        assert held_for(ledger, opened, batch) == 3 * COST

    def test_a_result_that_nobody_asked_for_is_not_stored(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1)
        assert collect(ledger, opened, batch, [answer(9)]) == 0
        assert recalled(ledger, 9) is None
        assert ledger.spending("r").charge.calls == 0

    def test_a_failure_that_is_billed_is_a_verdict_only_when_it_is_final(
        self, ledger: Ledger
    ) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2)
        invalid = replace(failed(OutcomeKind.INVALID), cost=COST)
        first = replace(answer(1), outcome=invalid, is_final=False)
        collect(ledger, opened, batch, [first, replace(answer(2), outcome=invalid)])
        assert recalled(ledger, 1) is None
        assert recalled(ledger, 2) == replace(invalid, retry_after_s=None).as_recalled()
        assert ledger.spending("r").charge.cost == 2 * COST

    @pytest.mark.parametrize("kind", [OutcomeKind.REJECTED, OutcomeKind.UNAVAILABLE])
    def test_a_failure_without_a_bill_is_told_and_is_no_verdict(
        self, ledger: Ledger, kind: OutcomeKind
    ) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1)
        collect(ledger, opened, batch, [unanswered(1, kind, is_final=True)])
        assert recalled(ledger, 1) is None
        told = Tried(attempts=1, is_final=True, kind=kind, detail=f"it was {kind}")
        assert ledger.batches.tried(opened, digests(1)) == {digest(1): told}
        assert again(ledger, opened) == 0

    def test_text_that_a_database_refuses_is_told_without_it(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1)
        odd = Outcome[str](OutcomeKind.REJECTED, detail="a\0b\ud800c")
        collect(ledger, opened, batch, [replace(unanswered(1), outcome=odd)])
        met = ledger.batches.tried(opened, digests(1))[digest(1)]
        assert (met.kind, met.detail[:1]) == (OutcomeKind.REJECTED, "a")

    def test_what_is_spent_is_no_longer_held_for_the_batch(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2, 3, held=3 * COST)
        uncertain = replace(failed(OutcomeKind.UNAVAILABLE), cost=None, uncertain=COST // 2)
        collect(ledger, opened, batch, [answer(1), replace(unanswered(2), outcome=uncertain)])
        assert held_for(ledger, opened, batch) == 3 * COST - COST - COST // 2
        assert ledger.spending("r").most == 3 * COST
        collect(ledger, opened, batch, [answer(3, cost=9 * COST)])
        assert held_for(ledger, opened, batch) == 0
        assert ledger.spending("r").most == 10 * COST + COST // 2

    def test_what_a_step_holds_moves_to_its_batch(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        assert ledger.reserve(opened, 10 * COST, 6 * COST, NOW).held == 6 * COST
        opened, batch = planned(ledger, opened, plan_of(1, 2, held=4 * COST))
        assert ledger.spending("r").held == 6 * COST
        batch = ledger.batches.sent(batch, remote(), NOW)
        collect(ledger, opened, batch, [answer(1)])
        assert ledger.spending("r").held == 5 * COST
        assert held_for(ledger, opened, batch) == 3 * COST
        ledger.close_step(opened, Done(), NOW)
        assert ledger.spending("r").held == 3 * COST
        ledger.batches.read(batch, NOW)
        assert ledger.spending("r").held == 0

    def test_who_lost_the_run_is_charged_for_what_it_reads(self, ledger: Ledger) -> None:
        before, batch = in_flight(ledger, open_pass(ledger), 1, 2)
        now = open_pass(ledger, holder="two", now=NOW + LEASE_S + 1)
        assert collect(ledger, before, batch, [answer(1)]) == 1
        assert collect(ledger, now, batch, [answer(1), answer(2)]) == 1
        assert ledger.spending("r").charge.cost == 2 * COST

    def test_a_batch_that_is_read_is_over(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2, held=5 * COST)
        collect(ledger, opened, batch, [answer(1)])
        ledger.batches.read(batch, NOW + 4)
        assert ledger.batches.standing(opened) == Standing(reached=2, again=1)
        assert ledger.spending("r").held == 0
        met = ledger.batches.tried(opened, digests(1, 2))
        assert met[digest(1)].is_final
        assert (met[digest(2)].kind, met[digest(2)].attempts) == (OutcomeKind.UNAVAILABLE, 0)
        assert not met[digest(2)].is_final

    def test_whether_the_last_batch_was_answered_is_known_to_all(self, ledger: Ledger) -> None:
        opened, first = in_flight(ledger, open_pass(ledger), 1)
        assert ledger.batches.was_answered(opened)
        opened, second = in_flight(ledger, opened, 2, 3, name="msgbatch_2")
        collect(ledger, opened, second, [unanswered(2)])
        assert ledger.batches.was_answered(opened)
        ledger.batches.read(second, NOW + 4)
        assert not ledger.batches.was_answered(opened)
        collect(ledger, opened, first, [answer(1)])
        assert not ledger.batches.was_answered(opened)
        ledger.batches.read(first, NOW + 5)
        assert ledger.batches.was_answered(opened)

    def test_a_batch_that_is_read_stays_as_it_is(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1)
        ledger.batches.read(batch, NOW + 4)
        ledger.batches.read(batch, NOW + 5)
        ledger.batches.lost(batch, NOW + 5)
        assert ledger.batches.tried(opened, digests(1)).keys() == {digest(1)}
        assert collect(ledger, opened, batch, [answer(1)]) == 0

    def test_an_item_is_asked_again_until_it_is_settled(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2, 3)
        collect(ledger, opened, batch, [answer(1), unanswered(2), unanswered(3, counts=False)])
        ledger.batches.read(batch, NOW + 4)
        assert again(ledger, opened) == 2
        opened, batch = in_flight(ledger, opened, 2, 3, name="msgbatch_2")
        assert again(ledger, opened) == 0
        collect(ledger, opened, batch, [unanswered(2, OutcomeKind.THROTTLED), unanswered(3)])
        assert again(ledger, opened) == 2
        opened, batch = in_flight(ledger, opened, 2, 3, name="msgbatch_3")
        collect(ledger, opened, batch, [unanswered(2, is_final=True), answer(3)])
        assert again(ledger, opened) == 0
        met = ledger.batches.tried(opened, digests(2, 3))
        assert [met[each].attempts for each in digests(2, 3)] == [3, 2]
        assert [met[each].kind for each in digests(2, 3)] == [
            OutcomeKind.UNAVAILABLE,
            OutcomeKind.JUDGED,
        ]

    def test_what_an_item_met_is_told_while_it_is_asked_again(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1)
        collect(ledger, opened, batch, [unanswered(1, OutcomeKind.THROTTLED)])
        opened, _ = planned(ledger, opened, plan_of(1))
        told = Tried(
            in_flight=True, attempts=1, kind=OutcomeKind.THROTTLED, detail="it was throttled"
        )
        assert ledger.batches.tried(opened, digests(1)) == {digest(1): told}

    def test_a_request_is_known_as_it_was_planned(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        first = PlannedRequest(digest(1), worst=2**40, body_chars_cut=12)
        plan = BatchPlan([first, PlannedRequest(digest(2))], 2, is_all=False, nonce=NONCE)
        opened, batch = planned(ledger, opened, plan)
        told = Tried(in_flight=True, worst=2**40, body_chars_cut=12)
        of_both = {digest(1): told, digest(2): Tried(in_flight=True)}
        assert ledger.batches.tried(opened, digests(1, 2)) == of_both
        collect(ledger, opened, batch, [unanswered(1)])
        again = PlannedRequest(digest(1), worst=2**41, body_chars_cut=13)
        planned(ledger, opened, BatchPlan([again], 2, is_all=False, nonce=NONCE))
        met = ledger.batches.tried(opened, digests(1))[digest(1)]
        assert (met.worst, met.body_chars_cut, met.attempts) == (2**41, 13, 1)

    def test_an_item_with_a_verdict_is_not_asked_again(self, ledger: Ledger) -> None:
        opened, batch = in_flight(ledger, open_pass(ledger), 1, 2)
        collect(ledger, opened, batch, [unanswered(1), unanswered(2)])
        ledger.record("e" * 64, [(digest(2), verdict_of())], NOW)
        assert again(ledger, opened) == 2
        ledger.record(FINGERPRINT, [(digest(1), verdict_of())], NOW)
        assert again(ledger, opened) == 1

    def test_many_requests_are_planned_and_read(self, ledger: Ledger) -> None:
        keys: list[Key] = list(range(1_200))
        opened, batch = in_flight(ledger, open_pass(ledger), *keys)
        assert collect(ledger, opened, batch, [answer(key) for key in keys[:700]]) == 700
        ledger.batches.read(batch, NOW + 4)
        assert ledger.batches.standing(opened) == Standing(reached=1_199, again=500)
        assert len(ledger.batches.tried(opened, digests(*keys))) == 1_200
