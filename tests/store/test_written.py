"""The rows that a run has written and not put back, as the canary is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kclassify.core.canary import WrittenRow
from kclassify.core.decision import Advance, Done
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


def test_what_was_rolled_back_is_not_held_against_the_next_commit(ledger: SqlLedger) -> None:
    writer = MemoryWriter(LABELS)
    opened = save(ledger, open_pass(ledger), [change(1), change(2)], writer).opened
    ledger.close_step(opened, Advance(2), NOW)
    undo(ledger, writer)
    assert ledger.written("r") == []
    save(ledger, open_pass(ledger), [change(1)], writer)
    assert ledger.written("r") == [WrittenRow("1", "playbook", digest(1))]


def test_a_row_that_was_put_back_only_in_part_of_a_run_is_told_once(ledger: SqlLedger) -> None:
    writer = MemoryWriter(LABELS)
    opened = save(ledger, open_pass(ledger), [change(1)], writer).opened
    ledger.close_step(opened, Done(), NOW)
    writer.labels[1] = "somebody else's"
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
