"""All workers of a run share one breaker."""
# ruff: noqa: S101, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

from dataclasses import replace

import pytest

from kclassify.core.availability import Breaker
from kclassify.core.decision import Done, Halt, Snooze, Superseded
from kclassify.ports import Ledger, Mode, Pass, Recorded
from kclassify.testing.contracts.ledger_leases import enqueue, fail
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    LedgerMaterial,
    MakeLedger,
    change,
    checkpoint_of,
    open_pass,
    same,
)
from kclassify.testing.memory_writer import MemoryWriter

CLOSED = Breaker()
SNOOZING = Breaker(2, NOW + 120.5, 120, NOW - 61.25)


class LedgerBreaker(LedgerMaterial):
    """The outage is the run's: whatever the pass, and whoever saw it."""

    def test_no_outage_is_known_of_a_run_that_is_not_there(self, ledger: Ledger) -> None:
        assert ledger.breaker("r") == CLOSED
        open_pass(ledger)
        assert ledger.breaker("r") == CLOSED

    def test_what_a_worker_stores_is_told_to_the_others(self, make_ledger: MakeLedger) -> None:
        first = make_ledger()
        assert hold(first, open_pass(first), SNOOZING).breaker == SNOOZING
        assert make_ledger().breaker("r") == SNOOZING

    @pytest.mark.parametrize("decision", [Snooze(120, "throttled"), Halt("no key"), Done()])
    @pytest.mark.parametrize("mode", list(Mode))
    @pytest.mark.parametrize("fingerprint", [FINGERPRINT, "e" * 64])
    def test_an_outage_goes_on_in_whatever_pass_comes_next(
        self,
        make_ledger: MakeLedger,
        decision: Snooze | Halt | Done,
        mode: Mode,
        fingerprint: str,
    ) -> None:
        first = make_ledger()
        first.close_step(hold(first, open_pass(first), SNOOZING), decision, NOW)
        opened = open_pass(make_ledger(), mode, fingerprint=fingerprint)
        assert opened.breaker == SNOOZING

    def test_a_new_pass_in_an_outage_is_not_called_resumed(self, ledger: Ledger) -> None:
        ledger.close_step(hold(ledger, open_pass(ledger), SNOOZING), Snooze(120, "down"), NOW)
        assert not open_pass(ledger, Mode.DRY_RUN).resumed

    def test_an_outage_of_one_run_is_none_of_another(self, ledger: Ledger) -> None:
        hold(ledger, open_pass(ledger), SNOOZING)
        assert open_pass(ledger, run="another").breaker == CLOSED
        assert ledger.breaker("another") == CLOSED

    def test_who_changed_nothing_is_told_what_another_met(self, ledger: Ledger) -> None:
        assert told(ledger, CLOSED, SNOOZING, CLOSED) == SNOOZING

    def test_who_changed_nothing_is_told_that_it_is_over(self, ledger: Ledger) -> None:
        assert told(ledger, SNOOZING, CLOSED, SNOOZING) == CLOSED

    def test_two_that_trip_at_once_snooze_once_and_until_the_later_end(
        self, ledger: Ledger
    ) -> None:
        longer, shorter = SNOOZING.tripped(NOW + 130, 240), SNOOZING.tripped(NOW + 131, 60)
        assert told(ledger, SNOOZING, longer, shorter) == Breaker(3, NOW + 370, 240, NOW - 61.25)

    def test_an_answer_does_not_close_what_another_tripped_since(self, ledger: Ledger) -> None:
        tripped = SNOOZING.tripped(NOW + 130, 240)
        assert told(ledger, SNOOZING, tripped, CLOSED) == tripped

    def test_a_trip_outlives_an_answer_from_before_it(self, ledger: Ledger) -> None:
        tripped = SNOOZING.tripped(NOW + 130, 240)
        assert told(ledger, SNOOZING, CLOSED, tripped) == tripped

    def test_the_breaker_is_stored_with_external_writes_too(self, ledger: Ledger) -> None:
        opened = replace(hold(ledger, open_pass(ledger), SNOOZING), breaker=CLOSED)
        checkpoint = checkpoint_of([change(1)], None, CLOSED)
        writer = MemoryWriter({1: "convention"}, database=None)
        recorded = ledger.checkpoint(opened, FINGERPRINT, checkpoint, writer, NOW)
        assert isinstance(recorded, Recorded)
        assert recorded.opened.breaker == SNOOZING == ledger.breaker("r")

    def test_a_worker_that_lost_the_race_trips_nothing(self, ledger: Ledger) -> None:
        loser = open_pass(ledger, Mode.DRY_RUN, holder="one")
        open_pass(ledger, Mode.DRY_RUN, holder="two", now=NOW + LEASE_S)
        checkpoint = checkpoint_of([], None, SNOOZING)
        answer = ledger.checkpoint(loser, FINGERPRINT, checkpoint, None, NOW)
        assert answer == Superseded("two")
        assert ledger.breaker("r") == CLOSED

    def test_an_error_in_on_commit_leaves_the_breaker_as_it_was(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, Mode.DRY_RUN)
        checkpoint = checkpoint_of([same(1)], None, SNOOZING)
        with pytest.raises(ZeroDivisionError):
            ledger.checkpoint(opened, FINGERPRINT, checkpoint, None, NOW, fail)
        assert ledger.breaker("r") == CLOSED
        assert isinstance(
            ledger.checkpoint(opened, FINGERPRINT, checkpoint, None, NOW, enqueue), Recorded
        )
        assert ledger.breaker("r") == SNOOZING


def told(ledger: Ledger, seen: Breaker, one: Breaker, other: Breaker) -> Breaker:
    """What the other of two workers is told; both saw the same, the one was heard before."""
    opened = hold(ledger, hold(ledger, open_pass(ledger), seen), one)
    answer = hold(ledger, replace(opened, breaker=seen), other).breaker
    assert answer == ledger.breaker("r")
    return answer


def hold(ledger: Ledger, opened: Pass, breaker: Breaker) -> Pass:
    """The pass after a checkpoint of a worker that holds this breaker, and nothing else."""
    checkpoint = checkpoint_of([], opened.cursor, breaker)
    recorded = ledger.checkpoint(opened, FINGERPRINT, checkpoint, MemoryWriter({}), NOW)
    assert isinstance(recorded, Recorded), recorded
    return recorded.opened
