from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect

from kclassify.core.availability import Breaker
from kclassify.core.decision import Advance, Done, Halt, Snooze
from kclassify.core.policy import Action
from kclassify.core.states import ChangeStatus, PassStatus
from kclassify.core.verdict import OutcomeKind, Usage
from kclassify.errors import LedgerVersionError, UsageError
from kclassify.ports import Mode, PassRequest, Recorded
from kclassify.store import LedgerReader, SqlLedger, Transition
from kclassify.store.migrations import STEPS, migrate
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    USAGE,
    change,
    checkpoint_of,
    failure,
    open_pass,
    same,
    save,
)
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from kclassify.core.decision import Decision
    from kclassify.database import Database


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


@pytest.fixture
def reader(database: Database) -> LedgerReader:
    return LedgerReader(database)


def test_a_database_without_a_ledger_has_no_runs_and_gets_no_tables(
    reader: LedgerReader, database: Database
) -> None:
    assert reader.runs() == []
    with pytest.raises(UsageError, match="no run named 'r': there is none yet"):
        reader.status("r")
    assert inspect(database.engine).get_table_names() == []


def test_a_missing_run_is_named_with_those_that_are_there(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    open_pass(ledger, run="first")
    open_pass(ledger, run="second", now=NOW + 1)
    for ask in (reader.status, reader.failures, reader.changes):
        with pytest.raises(UsageError, match="no run named 'r': there are second, first"):
            ask("r")


def test_the_runs_are_listed_with_their_latest_pass(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    dry = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1), same(2)]).opened
    ledger.close_step(dry, Done(), NOW + 5)
    ledger.close_step(open_pass(ledger, Mode.COMMIT, now=NOW + 6), Halt("no key"), NOW + 7)
    open_pass(ledger, run="later", now=NOW + 10)
    later, summary = reader.runs()
    assert later.name == "later"
    assert (summary.name, summary.source, summary.created_at) == ("r", "articles", NOW)
    assert (summary.passes, summary.mode, summary.status) == (2, Mode.COMMIT, PassStatus.HALTED)
    assert (summary.settled, summary.updated_at) == (0, NOW + 7)


def test_status_tells_transitions_outcomes_and_usage(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    writer = MemoryWriter({1: "convention", 2: "convention", 3: "quote", 5: None})
    items = [
        change(1),
        change(2),
        change(3),
        same(4),
        change(5, None, "insight"),
        failure(6, OutcomeKind.REFUSED),
        failure(7, OutcomeKind.EMPTY),
        failure(8, OutcomeKind.REFUSED),
    ]
    opened = save(ledger, open_pass(ledger), items[:1], writer).opened
    save(ledger, opened, items[1:], writer)
    (report,) = reader.status("r").passes
    assert set(report.transitions) == {
        Transition("convention", "playbook", Action.WRITTEN, 2),
        Transition("convention", "playbook", Action.CONFLICT, 1),
        Transition("playbook", "playbook", Action.SAME, 1),
        Transition(None, "insight", Action.WRITTEN, 1),
    }
    assert report.transitions[0].count == 2
    assert report.outcomes == {
        OutcomeKind.JUDGED: 5,
        OutcomeKind.REFUSED: 2,
        OutcomeKind.EMPTY: 1,
    }
    assert report.changes == {ChangeStatus.WRITTEN: 3, ChangeStatus.CONFLICT: 1}
    assert report.usage == Usage(*(7 * tokens for tokens in USAGE_FIELDS))
    assert (report.settled, report.cursor) == (8, 8)


USAGE_FIELDS = (
    USAGE.input_tokens,
    USAGE.output_tokens,
    USAGE.cache_write_tokens,
    USAGE.cache_read_tokens,
)


def test_a_commit_that_recalls_a_dry_run_cost_nothing(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    dry = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)]).opened
    ledger.close_step(dry, Done(), NOW + 1)
    opened = open_pass(ledger, now=NOW + 2)
    recalled = replace(same(1), outcome=same(1).outcome.as_recalled())
    save(ledger, opened, [recalled], MemoryWriter({}))
    assert [report.usage for report in reader.status("r").passes] == [USAGE, Usage()]


def test_one_verdict_that_serves_two_items_is_counted_once(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    twin = replace(same(2), item_digest=same(1).item_digest)
    twin = replace(twin, outcome=twin.outcome.as_recalled())
    save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1), twin])
    assert reader.status("r").passes[0].usage == USAGE


@pytest.mark.parametrize(
    ("decision", "status", "told"),
    [
        (Done(), PassStatus.DONE, "done"),
        (Halt("bad key"), PassStatus.HALTED, "halted: bad key"),
        (Snooze(60, "throttled"), PassStatus.OPEN, "snoozed for 60 s: throttled"),
        (Advance(3), PassStatus.OPEN, "paused: the time of this step is spent"),
    ],
)
def test_status_tells_how_the_last_step_ended(
    ledger: SqlLedger, reader: LedgerReader, decision: Decision, status: PassStatus, told: str
) -> None:
    ledger.close_step(open_pass(ledger, Mode.DRY_RUN), decision, NOW + 9)
    (report,) = reader.status("r").passes
    assert (report.status, report.last_decision) == (status, told)
    assert (report.started_at, report.updated_at) == (NOW, NOW + 9)
    assert report.finished_at == (NOW + 9 if decision == Done() else None)


def test_status_tells_the_lease_the_override_and_the_snoozes(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    request = PassRequest("r", Mode.COMMIT, FINGERPRINT, "m", "articles", override="I looked")
    ledger.open(request, "one", NOW, LEASE_S)
    opened = open_pass(ledger)  # a later step need not repeat the reason
    breaker = Breaker(2, NOW + 30, 30, NOW)
    saved = ledger.checkpoint(
        opened, FINGERPRINT, checkpoint_of([], None, breaker), MemoryWriter({}), NOW
    )
    assert isinstance(saved, Recorded)
    run = reader.status("r")
    assert (run.lease_holder, run.lease_expires_at) == ("one", NOW + LEASE_S)
    assert run.passes[0].override == "I looked"
    assert run.breaker == breaker
    ledger.close_step(saved.opened, Snooze(30, "throttled"), NOW)
    assert reader.status("r").lease_holder is None


def test_failures_are_listed_with_their_reason(ledger: SqlLedger, reader: LedgerReader) -> None:
    items = [failure("b", OutcomeKind.REFUSED), same("c"), failure("a", OutcomeKind.TOO_LONG)]
    save(ledger, open_pass(ledger, Mode.DRY_RUN), items)
    first, second = reader.failures("r")
    assert (first.key, first.kind, first.detail) == ("a", OutcomeKind.TOO_LONG, "it was too long")
    assert (second.key, second.current, second.pass_number) == ("b", "convention", 1)
    assert [f.key for f in reader.failures("r", OutcomeKind.REFUSED)] == ["b"]
    assert [f.key for f in reader.failures("r", limit=1)] == ["a"]


def test_failures_are_those_of_the_latest_pass_that_settled_any(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    dry = save(ledger, open_pass(ledger, Mode.DRY_RUN), [failure(1, OutcomeKind.REFUSED)]).opened
    ledger.close_step(dry, Done(), NOW)
    opened = open_pass(ledger)
    assert [f.pass_number for f in reader.failures("r")] == [1]
    save(ledger, opened, [same(1)], MemoryWriter({}))
    assert reader.failures("r") == []


def test_the_audit_is_read_in_pages(
    ledger: SqlLedger, reader: LedgerReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kclassify.store.reading.PAGE", 2)
    writer = MemoryWriter(dict.fromkeys(range(5), "convention"))
    save(ledger, open_pass(ledger), [change(key) for key in range(5)], writer)
    audit = list(reader.changes("r"))
    assert [row.key for row in audit] == [0, 1, 2, 3, 4]
    assert [row.id for row in audit] == sorted(row.id for row in audit)


def test_newer_tables_are_not_read(database: Database, reader: LedgerReader) -> None:
    migrate(database, [*STEPS, lambda _: None])
    with pytest.raises(LedgerVersionError):
        reader.runs()
