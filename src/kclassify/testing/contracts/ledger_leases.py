"""One worker at a time, fenced."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

import pytest

from kclassify.core.decision import Advance, Done, Superseded
from kclassify.core.item import Key
from kclassify.ports import Ledger, Mode
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    LedgerMaterial,
    change,
    checkpoint_of,
    open_pass,
    request_of,
    same,
    save,
)
from kclassify.testing.memory_writer import MemoryWriter


class LedgerLeases(LedgerMaterial):
    """The lease and the fence."""

    def test_a_held_lease_supersedes_and_names_the_holder(self, ledger: Ledger) -> None:
        open_pass(ledger, holder="one")
        answer = ledger.open(request_of(), "two", NOW + LEASE_S - 1, LEASE_S)
        assert answer == Superseded("one")

    def test_the_lease_holds_for_both_modes(self, ledger: Ledger) -> None:
        open_pass(ledger, Mode.DRY_RUN, holder="one")
        assert ledger.open(request_of(), "two", NOW, LEASE_S) == Superseded("one")

    def test_a_lease_on_one_run_leaves_others_free(self, ledger: Ledger) -> None:
        open_pass(ledger, holder="one")
        assert open_pass(ledger, holder="two", run="another").number == 1

    def test_an_expired_lease_is_taken(self, ledger: Ledger) -> None:
        first = open_pass(ledger, holder="one")
        second = open_pass(ledger, holder="two", now=NOW + LEASE_S)
        assert (second.id, second.holder) == (first.id, "two")
        assert second.version > first.version

    def test_a_heartbeat_prolongs_the_lease(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        assert ledger.heartbeat(opened, NOW + LEASE_S - 1, LEASE_S)
        late = NOW + 2 * LEASE_S - 2
        assert ledger.open(request_of(), "two", late, LEASE_S) == Superseded("one")
        open_pass(ledger, holder="two", now=late + 1)

    def test_a_heartbeat_with_the_pass_as_it_was_before_a_checkpoint_counts(
        self, ledger: Ledger
    ) -> None:
        opened = open_pass(ledger, Mode.DRY_RUN)
        save(ledger, opened, [same(1)])
        assert ledger.heartbeat(opened, NOW, LEASE_S)

    def test_a_heartbeat_after_a_takeover_says_that_the_lease_is_lost(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, holder="one")
        open_pass(ledger, holder="two", now=NOW + LEASE_S)
        assert not ledger.heartbeat(opened, NOW + LEASE_S, LEASE_S)

    def test_the_same_holder_opens_again_and_fences_its_former_self(self, ledger: Ledger) -> None:
        former = open_pass(ledger)
        again = open_pass(ledger)
        assert not ledger.heartbeat(former, NOW, LEASE_S)
        writer = MemoryWriter({1: "convention"})
        checkpoint = checkpoint_of([change(1)])
        answer = ledger.checkpoint(former, FINGERPRINT, checkpoint, writer, NOW)
        assert isinstance(answer, Superseded)
        assert writer.tried == []
        assert save(ledger, again, [change(1)], writer).opened.settled == 1

    def test_opening_the_other_mode_fences_a_commit(self, ledger: Ledger) -> None:
        commit = open_pass(ledger, Mode.COMMIT, holder="one")
        open_pass(ledger, Mode.DRY_RUN, holder="two", now=NOW + LEASE_S)
        writer = MemoryWriter({1: "convention"})
        checkpoint = checkpoint_of([change(1)])
        answer = ledger.checkpoint(commit, FINGERPRINT, checkpoint, writer, NOW)
        assert answer == Superseded("two")
        assert writer.labels == {1: "convention"}

    def test_the_loser_stores_nothing(self, ledger: Ledger) -> None:
        loser = open_pass(ledger, Mode.DRY_RUN, holder="one")
        winner = open_pass(ledger, Mode.DRY_RUN, holder="two", now=NOW + LEASE_S)
        called: list[object] = []
        answer = ledger.checkpoint(
            loser,
            FINGERPRINT,
            checkpoint_of([same(1)]),
            None,
            NOW,
            lambda _, cursor: called.append(cursor),
        )
        assert answer == Superseded("two")
        assert called == []
        assert ledger.recall([same(1).item_digest], FINGERPRINT) == {}
        recorded = save(ledger, winner, [same(1)])
        assert (recorded.opened.settled, recorded.opened.cursor) == (1, 1)

    def test_closing_a_step_lets_the_lease_go(self, ledger: Ledger) -> None:
        ledger.close_step(open_pass(ledger, holder="one"), Advance(None), NOW)
        open_pass(ledger, holder="two")

    def test_a_worker_that_lost_the_lease_closes_nothing(self, ledger: Ledger) -> None:
        loser = open_pass(ledger, holder="one")
        winner = open_pass(ledger, holder="two", now=NOW + LEASE_S)
        ledger.close_step(loser, Done(), NOW + LEASE_S)
        assert ledger.heartbeat(winner, NOW + LEASE_S, LEASE_S)
        assert ledger.open(request_of(), "three", NOW + LEASE_S, LEASE_S) == Superseded("two")
        assert save(ledger, winner, [same(1)], MemoryWriter({})).opened.settled == 1

    def test_a_former_self_does_not_let_the_lease_of_the_present_one_go(
        self, ledger: Ledger
    ) -> None:
        former = open_pass(ledger)
        again = open_pass(ledger)
        ledger.close_step(former, Done(), NOW)
        assert ledger.heartbeat(again, NOW, LEASE_S)
        assert ledger.open(request_of(), "two", NOW, LEASE_S) == Superseded("one")

    @pytest.mark.parametrize("mode", list(Mode))
    def test_whoever_on_commit_wakes_finds_the_run_free(self, ledger: Ledger, mode: Mode) -> None:
        writer = MemoryWriter({1: "convention"})
        saved = save(ledger, open_pass(ledger, mode), [change(1)], writer, enqueue).opened
        assert not ledger.heartbeat(saved, NOW, LEASE_S)
        woken = open_pass(ledger, mode, holder="two")
        assert (woken.number, woken.cursor, woken.settled) == (1, 1, 1)

    def test_a_checkpoint_without_on_commit_keeps_the_lease(self, ledger: Ledger) -> None:
        save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)])
        assert ledger.open(request_of(), "two", NOW, LEASE_S) == Superseded("one")

    def test_an_error_in_on_commit_keeps_the_lease(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, Mode.DRY_RUN)
        with pytest.raises(ZeroDivisionError):
            save(ledger, opened, [same(1)], None, fail)
        assert ledger.open(request_of(), "two", NOW, LEASE_S) == Superseded("one")
        assert ledger.heartbeat(opened, NOW, LEASE_S)

    def test_a_step_that_let_the_lease_go_still_records_how_it_ended(self, ledger: Ledger) -> None:
        saved = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)], None, enqueue).opened
        ledger.close_step(saved, Done(), NOW)
        assert open_pass(ledger, Mode.DRY_RUN, holder="two").number == 2

    @pytest.mark.parametrize("mode", list(Mode))
    def test_a_step_that_let_the_lease_go_ends_nothing_of_its_successor(
        self, ledger: Ledger, mode: Mode
    ) -> None:
        saved = save(ledger, open_pass(ledger), [same(1)], MemoryWriter({}), enqueue).opened
        woken = open_pass(ledger, mode, holder="two")
        ledger.close_step(saved, Done(), NOW)
        assert ledger.heartbeat(woken, NOW, LEASE_S)
        assert ledger.open(request_of(), "three", NOW, LEASE_S) == Superseded("two")
        ledger.close_step(woken, Advance(None), NOW)
        assert open_pass(ledger).number == 1

    def test_a_step_is_closed_once(self, ledger: Ledger) -> None:
        saved = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)]).opened
        ledger.close_step(saved, Done(), NOW)
        ledger.close_step(saved, Advance(1), NOW)
        assert open_pass(ledger, Mode.DRY_RUN).number == 2


def enqueue(connection: object, cursor: Key | None) -> None:
    """Enqueue nothing."""


def fail(connection: object, cursor: Key | None) -> None:
    """Fail to enqueue."""
    raise ZeroDivisionError(f"enqueueing after {cursor} on {connection}")
