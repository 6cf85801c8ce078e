"""The rows that a run has written, as the canary is told of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kclassify.core.canary import WrittenRow
from kclassify.core.decision import Advance, Done, Halt
from kclassify.store import SqlLedger, rollback
from kclassify.testing.contracts.ledger_intents import Killed, MortalWriter
from kclassify.testing.contracts.ledger_material import (
    LEASE_S,
    NOW,
    change,
    digest,
    open_pass,
    save,
)
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from kclassify.core.item import Key
    from kclassify.database import Database

LABELS: dict[Key, str | None] = dict.fromkeys(range(1, 5), "convention")


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


def undo(ledger: SqlLedger, writer: MemoryWriter) -> None:
    rollback(ledger, writer, "r", "undoer", lambda: NOW, LEASE_S)


def test_what_was_rolled_back_is_told_with_the_records_that_allowed_it(ledger: SqlLedger) -> None:
    writer = MemoryWriter(LABELS)
    opened = save(ledger, open_pass(ledger, gate="a"), [change(1)], writer).opened
    ledger.close_step(opened, Advance(1), NOW)
    opened = save(ledger, open_pass(ledger, gate="b"), [change(2)], writer).opened
    ledger.close_step(opened, Advance(2), NOW)
    undo(ledger, writer)
    one = WrittenRow("1", "playbook", digest(1), reverted=True, gates=("a", "b"))
    two = replace(one, key="2", digest=digest(2))
    assert ledger.written("r") == [one, two]
    save(ledger, open_pass(ledger, gate="c"), [change(1)], writer)
    again = replace(one, reverted=False, gates=("c",))
    assert ledger.written("r") == [one, two, again]


def test_a_row_that_somebody_changed_before_the_rollback_is_no_longer_waited_for(
    ledger: SqlLedger,
) -> None:
    writer = MemoryWriter(LABELS)
    opened = save(ledger, open_pass(ledger, gate="a"), [change(1)], writer).opened
    ledger.close_step(opened, Done(), NOW)
    writer.labels[1] = "somebody else's"
    undo(ledger, writer)
    assert [(row.reverted, row.gates) for row in ledger.written("r")] == [(True, ("a",))]


def test_a_write_that_never_arrived_is_no_evidence_after_a_rollback(ledger: SqlLedger) -> None:
    writer = MortalWriter(LABELS, after=False)
    opened = open_pass(ledger, gate="a")
    with pytest.raises(Killed):
        save(ledger, opened, [change(1)], writer)
    writer.dies = False
    ledger.close_step(opened, Halt("killed"), NOW)
    undo(ledger, writer)
    assert ledger.written("r") == []


def test_a_write_that_a_crash_left_counts_once_it_is_settled(ledger: SqlLedger) -> None:
    writer = MortalWriter(LABELS, after=True)
    opened = open_pass(ledger)
    with pytest.raises(Killed):
        save(ledger, opened, [change(1)], writer)
    writer.dies = False
    opened = open_pass(ledger)
    assert ledger.settle_intents(opened, writer, NOW) == 1
    assert ledger.written("r") == []
    save(ledger, opened, [change(1)], writer)
    assert ledger.written("r") == [WrittenRow("1", "playbook", digest(1))]


def test_a_write_that_an_abandoned_commit_left_counts_without_its_item(ledger: SqlLedger) -> None:
    writer = MortalWriter(LABELS, after=True)
    opened = open_pass(ledger)
    with pytest.raises(Killed):
        save(ledger, opened, [change(1)], writer)
    writer.dies = False
    anew = open_pass(ledger, fingerprint="e" * 64)
    ledger.settle_intents(anew, writer, NOW)
    assert ledger.written("r") == [WrittenRow("1", "playbook", None)]
