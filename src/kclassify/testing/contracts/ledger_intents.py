"""A writer outside the ledger's database, and deaths between the steps."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from kclassify.core.decision import Superseded
from kclassify.core.item import Key
from kclassify.core.policy import Action
from kclassify.ports import Ledger, Pass, Receipt, Write
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
    save,
)
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from sqlalchemy import Connection

LATER = NOW + LEASE_S


class Killed(Exception):
    """The worker dies here."""


class MortalWriter(MemoryWriter):
    """Dies in its first `apply`: before it writes, or after."""

    def __init__(self, labels: dict[Key, str | None], *, after: bool) -> None:
        super().__init__(labels)
        self.dies = True
        self.after = after

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        """Write, unless it dies before."""
        if self.dies and not self.after:
            self.dies = False
            raise Killed
        receipts = super().apply(writes, connection)
        if self.dies:
            self.dies = False
            raise Killed
        return receipts


def die(ledger: Ledger, writer: MortalWriter, opened: Pass | None = None) -> None:
    """A commit that dies at the writer."""
    with pytest.raises(Killed):
        save(ledger, opened or open_pass(ledger), [change(1), change(2)], writer)


class LedgerIntents(LedgerMaterial):
    """At least once, and known to be so."""

    @pytest.mark.parametrize("after", [False, True])
    def test_what_was_on_its_way_is_finished_once(
        self, make_ledger: MakeLedger, *, after: bool
    ) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=after)
        die(make_ledger(), writer)
        ledger = make_ledger()
        opened = open_pass(ledger, holder="two", now=LATER)
        assert (opened.cursor, opened.settled) == (None, 0)
        assert ledger.settle_intents(opened, writer, LATER) == 2
        assert ledger.settle_intents(opened, writer, LATER) == 0
        assert writer.labels == {1: "playbook", 2: "playbook"}
        assert writer.written == {1: 1, 2: 1}

    @pytest.mark.parametrize("after", [False, True])
    def test_a_finished_item_that_comes_again_counts_as_written(
        self, ledger: Ledger, *, after: bool
    ) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=after)
        die(ledger, writer)
        opened = open_pass(ledger, holder="two", now=LATER)
        ledger.settle_intents(opened, writer, LATER)
        tried = len(writer.tried)
        recorded = save(ledger, opened, [same(1), same(2)], writer)
        assert recorded.actions == [Action.WRITTEN, Action.WRITTEN]
        assert len(writer.tried) == tried

    def test_a_source_that_still_shows_the_old_label_leads_to_no_second_write(
        self, ledger: Ledger
    ) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=True)
        die(ledger, writer)
        opened = open_pass(ledger, holder="two", now=LATER)
        ledger.settle_intents(opened, writer, LATER)
        recorded = save(ledger, opened, [change(1), change(2)], writer)
        assert recorded.actions == [Action.WRITTEN, Action.WRITTEN]
        assert writer.written == {1: 1, 2: 1}

    @pytest.mark.parametrize("after", [False, True])
    def test_a_checkpoint_finishes_intents_that_nobody_settled(
        self, ledger: Ledger, *, after: bool
    ) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=after)
        die(ledger, writer)
        opened = open_pass(ledger, holder="two", now=LATER)
        items = [same(1), same(2)] if after else [change(1), change(2)]
        recorded = save(ledger, opened, items, writer)
        assert recorded.actions == [Action.WRITTEN, Action.WRITTEN]
        assert writer.written == {1: 1, 2: 1}
        assert ledger.settle_intents(recorded.opened, writer, LATER) == 0

    def test_an_intent_whose_row_changed_meanwhile_stays_a_conflict(self, ledger: Ledger) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=False)
        die(ledger, writer)
        writer.labels[1] = "quote"
        opened = open_pass(ledger, holder="two", now=LATER)
        assert ledger.settle_intents(opened, writer, LATER) == 2
        recorded = save(ledger, opened, [change(1, "quote"), same(2)], writer)
        assert recorded.actions == [Action.CONFLICT, Action.WRITTEN]
        assert writer.labels == {1: "quote", 2: "playbook"}

    def test_intents_of_an_abandoned_pass_are_finished_by_the_next(self, ledger: Ledger) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=False)
        die(ledger, writer)
        opened = open_pass(ledger, holder="two", now=LATER, fingerprint="e" * 64)
        assert opened.number == 2
        assert ledger.settle_intents(opened, writer, LATER) == 2
        assert writer.labels == {1: "playbook", 2: "playbook"}

    def test_a_worker_that_lost_the_race_finishes_nothing(self, ledger: Ledger) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=False)
        die(ledger, writer)
        loser = open_pass(ledger, holder="two", now=LATER)
        open_pass(ledger, holder="three", now=LATER + LEASE_S)
        assert ledger.settle_intents(loser, writer, LATER) == 0
        assert writer.labels == {1: "convention", 2: "convention"}

    def test_nothing_on_its_way_asks_nothing_of_the_writer(self, ledger: Ledger) -> None:
        writer = MemoryWriter({})
        assert ledger.settle_intents(open_pass(ledger), writer, NOW) == 0
        assert writer.tried == []

    def test_a_takeover_while_the_writer_works_supersedes(self, ledger: Ledger) -> None:
        writer = _Overtaken({1: "convention"}, ledger)
        opened = open_pass(ledger)
        checkpoint = checkpoint_of([change(1)])
        answer = ledger.checkpoint(opened, FINGERPRINT, checkpoint, writer, NOW)
        assert answer == Superseded("two")
        assert writer.winner is not None
        assert writer.winner.settled == 0
        assert ledger.settle_intents(writer.winner, MemoryWriter(writer.labels), LATER) == 1


class _Overtaken(MemoryWriter):
    """While it writes, another worker takes the run over."""

    def __init__(self, labels: dict[Key, str | None], ledger: Ledger) -> None:
        super().__init__(labels)
        self.ledger = ledger
        self.winner: Pass | None = None

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        self.winner = open_pass(self.ledger, holder="two", now=LATER)
        return super().apply(writes, connection)
