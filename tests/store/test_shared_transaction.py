"""Writer, audit, outcomes and cursor in one transaction of the ledger's own database."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import TYPE_CHECKING, Literal

import pytest
from sqlalchemy import Connection, text

from kclassify.core.decision import Superseded
from kclassify.core.policy import Action
from kclassify.core.states import ChangeStatus
from kclassify.core.verdict import OutcomeKind
from kclassify.database import Database
from kclassify.ports import Mode, OnCommit, Recorded
from kclassify.store import LedgerReader, SqlLedger
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    change,
    checkpoint_of,
    failure,
    open_pass,
    same,
    save,
)

from .articles import (
    ArticleWriter,
    Killed,
    categories,
    create_articles,
    dump,
    run_sql,
    set_category,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kclassify.core.item import Key
    from kclassify.ports import Pass, Receipt, Write


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    create_articles(database, 4)
    return SqlLedger(database)


@pytest.fixture
def writer(database: Database) -> ArticleWriter:
    return ArticleWriter(database)


def test_a_commit_leaves_rows_audit_outcomes_and_tallies(
    ledger: SqlLedger, writer: ArticleWriter, database: Database
) -> None:
    set_category(database, 2, "quote")
    items = [change(1), change(2), same(3), failure(4, OutcomeKind.REFUSED)]
    recorded = save(ledger, open_pass(ledger), items, writer)
    assert recorded.actions == [Action.WRITTEN, Action.CONFLICT, Action.SAME, Action.FAILED]
    assert categories(database) == {1: "playbook", 2: "quote", 3: "convention", 4: "convention"}
    audit = list(LedgerReader(database).changes("r"))
    assert [(row.key, row.before, row.after, row.status) for row in audit] == [
        (1, "convention", "playbook", ChangeStatus.WRITTEN),
        (2, "convention", "playbook", ChangeStatus.CONFLICT),
    ]
    assert audit[0].extra == {"held": "convention"}
    assert audit[0].idempotency_key == "r:1:i:1"
    rows = run_sql(database, "SELECT item_key, kind, action FROM kclassify_outcome ORDER BY 1")
    assert rows == [
        ("i:1", "judged", "written"),
        ("i:2", "judged", "conflict"),
        ("i:3", "judged", "same"),
        ("i:4", "refused", "failed"),
    ]


def test_a_row_without_a_label_is_relabelled(
    ledger: SqlLedger, writer: ArticleWriter, database: Database
) -> None:
    set_category(database, 1, None)
    save(ledger, open_pass(ledger), [change(1, None)], writer)
    (transition,) = LedgerReader(database).status("r").passes[0].transitions
    assert (transition.before, transition.after, transition.count) == (None, "playbook", 1)
    assert categories(database)[1] == "playbook"


@pytest.mark.parametrize("moment", ["before", "midway", "after"])
def test_a_death_in_the_writer_leaves_everything_as_it_was(
    ledger: SqlLedger,
    writer: ArticleWriter,
    database: Database,
    moment: Literal["before", "midway", "after"],
) -> None:
    opened = open_pass(ledger)
    before = dump(database)
    writer.dies = moment
    with pytest.raises(Killed):
        save(ledger, opened, [change(1), change(2), failure(3, OutcomeKind.REJECTED)], writer)
    assert dump(database) == before
    assert set(categories(database).values()) == {"convention"}
    assert save(ledger, opened, [change(1), change(2)], writer).opened.settled == 2


@pytest.mark.parametrize("mode", list(Mode))
def test_a_death_in_on_commit_leaves_everything_as_it_was(
    ledger: SqlLedger, writer: ArticleWriter, database: Database, mode: Mode
) -> None:
    opened = open_pass(ledger, mode)
    before = dump(database)

    def enqueue(connection: Connection, cursor: Key | None) -> None:
        raise Killed

    with pytest.raises(Killed):
        save(ledger, opened, [change(1)], writer, enqueue)
    assert dump(database) == before
    assert categories(database)[1] == "convention"


def test_on_commit_sees_the_writes_and_its_own_commit_with_them(
    ledger: SqlLedger, writer: ArticleWriter, database: Database
) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE jobs (job TEXT)"))

    def enqueue(connection: Connection, cursor: Key | None) -> None:
        stored = connection.scalar(text("SELECT cursor FROM kclassify_pass"))
        connection.execute(text("INSERT INTO jobs VALUES (:job)"), {"job": f"{stored}/{cursor}"})

    save(ledger, open_pass(ledger), [change(1)], writer, enqueue)
    assert run_sql(database, "SELECT job FROM jobs")[0][0] == "i:1/1"


def test_a_fenced_worker_writes_nothing(
    ledger: SqlLedger, writer: ArticleWriter, database: Database
) -> None:
    loser = open_pass(ledger, holder="one")
    open_pass(ledger, holder="two", now=NOW + LEASE_S)
    before = dump(database)
    items = checkpoint_of([change(1), failure(2, OutcomeKind.REJECTED)])
    answer = ledger.checkpoint(loser, FINGERPRINT, items, writer, NOW)
    assert answer == Superseded("two")
    assert dump(database) == before
    assert writer.applied == []


@pytest.mark.parametrize("round_", range(3))
def test_of_two_workers_that_move_the_cursor_at_once_one_loses(
    ledger: SqlLedger, database: Database, database_url: str, round_: int
) -> None:
    opened = open_pass(ledger)
    answers: list[object] = []
    start = Barrier(2)

    def work() -> None:
        own = Database(database_url)
        worker = SqlLedger(own)
        worker.prepare()
        start.wait()
        items = checkpoint_of([change(1), change(2)])
        answers.append(worker.checkpoint(opened, FINGERPRINT, items, ArticleWriter(own), NOW))
        own.close()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(type(answer).__name__ for answer in answers) == ["Recorded", "Superseded"]
    assert [row.status for row in LedgerReader(database).changes("r")] == [ChangeStatus.WRITTEN] * 2
    assert run_sql(database, "SELECT COUNT(*) FROM kclassify_outcome")[0][0] == 2
    assert run_sql(database, 'SELECT SUM("count") FROM kclassify_tally')[0][0] == 2


def test_a_takeover_waits_for_a_checkpoint_and_fences_the_next(
    ledger: SqlLedger, database: Database, database_url: str
) -> None:
    """On PostgreSQL the second worker meets the first one's row locks, on SQLite its write lock."""
    opened = open_pass(ledger, holder="one")
    taken: list[Pass] = []

    def take_over() -> None:
        own = Database(database_url)
        taken.append(open_pass(SqlLedger(own), holder="two", now=NOW + LEASE_S))
        own.close()

    successor = Thread(target=take_over)
    items = [change(1)]
    recorded = save(ledger, opened, items, ArticleWriter(database), lambda _, __: successor.start())
    successor.join()
    assert (taken[0].cursor, taken[0].settled) == (1, 1)
    answer = ledger.checkpoint(
        recorded.opened, FINGERPRINT, checkpoint_of([change(2)]), ArticleWriter(database), NOW
    )
    assert answer == Superseded("two")
    assert categories(database)[2] == "convention"


class _Contested(ArticleWriter):
    """Goes on writing only once a worker that takes the run over waits for a lock."""

    def __init__(self, database: Database, successor: Thread) -> None:
        super().__init__(database)
        self.home, self.successor = database, successor

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        self.successor.start()
        waiting = (
            "SELECT 1 FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while self.successor.is_alive() and not run_sql(self.home, waiting):
            continue
        return super().apply(writes, connection)


def enqueue(connection: Connection, cursor: Key | None) -> None: ...


@pytest.mark.parametrize("on_commit", [None, enqueue])
def test_a_takeover_during_a_checkpoint_is_no_deadlock(
    postgres_url: str, on_commit: OnCommit | None
) -> None:
    database, own = Database(postgres_url), Database(postgres_url)
    create_articles(database, 1)
    ledger, rival = SqlLedger(database), SqlLedger(own)
    rival.prepare()
    opened = open_pass(ledger, holder="one")
    taken: list[Pass] = []
    successor = Thread(
        target=lambda: taken.append(open_pass(rival, holder="two", now=NOW + LEASE_S))
    )
    saved = save(ledger, opened, [change(1)], _Contested(database, successor), on_commit)
    successor.join()
    assert (saved.opened.settled, taken[0].settled) == (1, 1)
    database.close()
    own.close()


def test_an_intent_from_before_the_ledger_moved_in_is_finished_in_the_transaction(
    ledger: SqlLedger, writer: ArticleWriter, database: Database
) -> None:
    writer.database, writer.dies = None, "after"
    with pytest.raises(Killed):
        save(ledger, open_pass(ledger), [change(1)], writer)
    writer.database = database.identity
    opened = open_pass(ledger, holder="two", now=NOW + LEASE_S)
    recorded = save(ledger, opened, [same(1)], writer)
    assert recorded.actions == [Action.WRITTEN]
    assert isinstance(recorded, Recorded)
    (row,) = LedgerReader(database).changes("r")
    assert (row.before, row.after, row.status) == ("convention", "playbook", ChangeStatus.WRITTEN)


def test_settling_intents_is_one_transaction_with_their_results(
    ledger: SqlLedger, writer: ArticleWriter, database: Database
) -> None:
    writer.database, writer.dies = None, "before"
    with pytest.raises(Killed):
        save(ledger, open_pass(ledger), [change(1), change(2)], writer)
    writer.database, writer.dies = database.identity, "after"
    opened = open_pass(ledger, holder="two", now=NOW + LEASE_S)
    with pytest.raises(Killed):
        ledger.settle_intents(opened, writer, NOW + LEASE_S)
    assert set(categories(database).values()) == {"convention"}
    assert ledger.settle_intents(opened, writer, NOW + LEASE_S) == 2
    assert [row.status for row in LedgerReader(database).changes("r")] == [ChangeStatus.WRITTEN] * 2


def test_the_audit_is_looked_into_where_a_worker_died_on_its_way_to_a_writer_apart(
    ledger: SqlLedger, writer: ArticleWriter, database: Database
) -> None:
    first = open_pass(ledger)
    done = save(ledger, first, [change(1), same(2)], writer)
    writer.database, writer.dies = None, "after"
    with pytest.raises(Killed):
        save(ledger, done.opened, [change(3)], writer)
    second = open_pass(ledger, holder="two", now=NOW + LEASE_S)
    ledger.settle_intents(second, writer, NOW + LEASE_S)
    third = open_pass(ledger, holder="three", now=NOW + 2 * LEASE_S)
    save(ledger, third, [change(3)], writer)
    fourth = open_pass(ledger, holder="four", now=NOW + 3 * LEASE_S)
    known = [opened.has_stray_changes for opened in (first, second, third, fourth)]
    assert known == [False, True, True, False]
