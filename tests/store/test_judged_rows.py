from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kclassify.core.decision import Done, Halt
from kclassify.core.gate import verdict_digest
from kclassify.core.policy import Action
from kclassify.core.verdict import OutcomeKind
from kclassify.errors import UsageError
from kclassify.ports import Mode
from kclassify.store import LedgerReader, SqlLedger
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    NOW,
    change,
    digest,
    failed,
    failure,
    open_pass,
    same,
    save,
    verdict_of,
)
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kclassify.database import Database
    from kclassify.ports import Settled


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


@pytest.fixture
def reader(database: Database) -> LedgerReader:
    return LedgerReader(database)


def dry_run(ledger: SqlLedger, items: Sequence[Settled], now: float = NOW) -> None:
    opened = save(ledger, open_pass(ledger, Mode.DRY_RUN, now=now), items).opened
    ledger.close_step(opened, Done(), now)


def test_every_item_of_a_finished_dry_run_is_told_with_what_was_said(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    dry_run(ledger, [change(1), same(2), failure(3, OutcomeKind.REFUSED)])
    found = reader.judged("r")
    assert (found.number, found.fingerprint, found.model) == (1, FINGERPRINT, "m")
    assert (found.mode, found.settled) == (Mode.DRY_RUN, 3)
    first, second, third = sorted(found, key=lambda row: str(row.key))
    assert (first.key, first.digest, first.current) == (1, digest(1), "convention")
    assert (first.label, first.confidence, first.action) == ("playbook", 0.9, Action.CHANGE)
    assert first.verdict_digest == verdict_digest(verdict_of())
    assert (second.action, third.action) == (Action.SAME, Action.FAILED)
    assert (third.kind, third.label, third.confidence) == (OutcomeKind.REFUSED, None, None)
    assert third.verdict_digest == verdict_digest(failed(OutcomeKind.REFUSED))


@pytest.mark.parametrize("keys", [range(1, 8), [f"kb-{n}" for n in range(7)]])
def test_rows_are_read_in_pages_each_once(
    ledger: SqlLedger,
    reader: LedgerReader,
    monkeypatch: pytest.MonkeyPatch,
    keys: Sequence[int | str],
) -> None:
    monkeypatch.setattr("kclassify.store.judged_rows.PAGE", 3)
    dry_run(ledger, [change(key) for key in keys])
    found = [row.key for row in reader.judged("r")]
    assert sorted(found, key=str) == sorted(keys, key=str)


def test_rows_are_found_by_key(ledger: SqlLedger, reader: LedgerReader) -> None:
    dry_run(ledger, [change(1), same(2), change(3)])
    found = reader.judged("r").of([3, 1, 99])
    assert {key: row.action for key, row in found.items()} == {
        1: Action.CHANGE,
        3: Action.CHANGE,
    }


def test_counts_are_by_label_now_label_said_and_confidence(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    refused = failure(5, OutcomeKind.REFUSED)
    dry_run(ledger, [change(1), change(2), change(3, None), same(4), refused])
    assert reader.judged("r").counts() == {
        ("convention", "playbook", 0.9): 2,
        (None, "playbook", 0.9): 1,
        ("playbook", "playbook", 0.9): 1,
        ("convention", None, None): 1,
    }


def test_the_latest_dry_run_that_is_done_counts(ledger: SqlLedger, reader: LedgerReader) -> None:
    dry_run(ledger, [change(1)])
    dry_run(ledger, [same(1)], NOW + 10)
    halted = save(ledger, open_pass(ledger, Mode.DRY_RUN, now=NOW + 20), [change(1)]).opened
    ledger.close_step(halted, Halt("no key"), NOW + 21)
    found = reader.judged("r")
    assert (found.number, [row.action for row in found]) == (2, [Action.SAME])


def test_a_run_without_a_finished_dry_run_says_the_way_out(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    save(ledger, open_pass(ledger, Mode.DRY_RUN), [change(1)])
    with pytest.raises(UsageError, match="run `kclassify dry-run` first"):
        reader.judged("r")
    with pytest.raises(UsageError, match="run `kclassify commit` first"):
        reader.judged("r", Mode.COMMIT)
    with pytest.raises(UsageError, match="no run named 'other'"):
        reader.judged("other")


def test_the_writes_of_a_commit_are_there_before_it_is_done(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    writer = MemoryWriter({1: "convention", 2: "decision"})
    save(ledger, open_pass(ledger), [change(1), change(2)], writer)
    found = reader.judged("r", Mode.COMMIT)
    assert {row.key: row.action for row in found} == {1: Action.WRITTEN, 2: Action.CONFLICT}
    assert [row.key for row in found if row.is_proposal()] == [1]


def test_a_proposal_is_what_would_be_written_from_a_confidence_on(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    refused = failure(4, OutcomeKind.REFUSED)
    dry_run(ledger, [change(1), same(2), change(3, None), refused])
    rows = list(reader.judged("r"))
    assert {row.key for row in rows if row.is_proposal()} == {1, 3}
    assert {row.key for row in rows if row.is_proposal(0.9)} == {1, 3}
    assert not any(row.is_proposal(0.91) for row in rows)
