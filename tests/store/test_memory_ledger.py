"""The memory ledger with a writer that shares its transaction, and that writer by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kclassify.core.policy import Change
from kclassify.core.states import UNDONE, ChangeStatus
from kclassify.errors import SourceError
from kclassify.ports import Mode, Write, WriteResult
from kclassify.testing.contracts.ledger_material import change, open_pass, same, save
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from kclassify.core.item import Key

LABELS: dict[Key, str | None] = {1: "convention", 2: "convention"}


def fail(connection: object, cursor: Key | None) -> None:
    raise ZeroDivisionError


def test_an_error_in_on_commit_undoes_a_writer_that_shares_the_ledger() -> None:
    ledger, writer = MemoryLedger("m"), MemoryWriter(LABELS, "m")
    opened = open_pass(ledger)
    with pytest.raises(ZeroDivisionError):
        save(ledger, opened, [change(1)], writer, fail)
    assert (writer.labels, writer.written) == (LABELS, {})
    assert save(ledger, opened, [change(1)], writer).opened.settled == 1
    assert writer.written == {1: 1}


def test_an_item_that_comes_twice_undoes_a_writer_that_shares_the_ledger() -> None:
    ledger, writer = MemoryLedger("m"), MemoryWriter(LABELS, "m")
    opened = save(ledger, open_pass(ledger), [same(2)], writer).opened
    with pytest.raises(SourceError):
        save(ledger, opened, [change(1), same(2)], writer)
    assert writer.labels == LABELS


def test_what_an_external_writer_wrote_stays_and_is_tried_again() -> None:
    ledger, writer = MemoryLedger("m"), MemoryWriter(LABELS)
    with pytest.raises(ZeroDivisionError):
        save(ledger, open_pass(ledger), [change(1)], writer, fail)
    assert writer.labels[1] == "playbook"
    opened = open_pass(ledger)
    save(ledger, opened, [change(1)], writer)
    assert [write.redo for write in writer.tried] == [False, True]
    assert writer.written == {1: 1}


def test_a_dry_run_leaves_a_writer_that_shares_the_ledger_alone() -> None:
    ledger, writer = MemoryLedger("m"), MemoryWriter(LABELS, "m")
    save(ledger, open_pass(ledger, Mode.DRY_RUN), [change(1)], writer)
    assert writer.tried == []


@pytest.mark.parametrize("redo", [False, True])
@pytest.mark.parametrize("before", [None, "convention"])
def test_a_row_that_is_not_there_is_a_conflict(before: str | None, redo: bool) -> None:
    writer = MemoryWriter(LABELS)
    write = Write(Change(9, before, "playbook", 0.9), "w", redo=redo)
    for receipts in (writer.apply([write], None), writer.revert([write], None)):
        assert [receipt.result for receipt in receipts] == [WriteResult.CONFLICT]
    assert writer.labels == LABELS


@pytest.mark.parametrize("status", UNDONE)
def test_what_a_rollback_marked_is_told_as_reverted(status: ChangeStatus) -> None:
    ledger, writer = MemoryLedger("m"), MemoryWriter(LABELS, "m")
    save(ledger, open_pass(ledger, gate="a"), [change(1)], writer)
    audit = ledger.runs["r"].audit
    audit.update({key: replace(known, status=status) for key, known in audit.items()})
    assert [(row.key, row.reverted, row.gates) for row in ledger.written("r")] == [
        ("1", True, ("a",))
    ]
