"""A worker that was paused past its lease, and its writes to another database after that."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from kclassify.core.decision import Superseded
from kclassify.core.states import ChangeStatus
from kclassify.database import Database
from kclassify.errors import UsageError
from kclassify.store import LedgerReader, RollbackReport, SqlLedger, rollback
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    change,
    checkpoint_of,
    open_pass,
    save,
)

from .articles import ArticleWriter, Killed, categories, create_articles, set_category

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from kclassify.ports import Receipt, Write

LATER = NOW + LEASE_S
OLD, NEW = {1: "convention", 2: "convention"}, {1: "playbook", 2: "playbook"}


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Database]:
    """The database of the articles; the ledger is in another."""
    database = Database(f"sqlite:///{tmp_path / 'articles.db'}", create=True)
    create_articles(database, 2)
    yield database
    database.close()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


class PausedWriter(ArticleWriter):
    """Something happens between the call of the writer and its write."""

    def __init__(self, database: Database, meanwhile: Callable[[], object]) -> None:
        super().__init__(database)
        self.meanwhile = meanwhile

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        self.meanwhile()
        return super().apply(writes, connection)


def undo(ledger: SqlLedger, writer: ArticleWriter) -> RollbackReport:
    return rollback(ledger, writer, "r", "undoer", lambda: LATER, LEASE_S)


def audit(ledger: SqlLedger) -> list[tuple[ChangeStatus, float | None, object]]:
    rows = LedgerReader(ledger.database).changes("r")
    return [(row.status, row.reverted_at, row.extra.get("held")) for row in rows]


def commit(ledger: SqlLedger, writer: ArticleWriter) -> object:
    items = checkpoint_of([change(1), change(2)])
    return ledger.checkpoint(open_pass(ledger), FINGERPRINT, items, writer, NOW)


@pytest.mark.parametrize("moved", [False, True])
def test_the_next_rollback_finds_what_arrived_after_the_first(
    ledger: SqlLedger, apart: Database, moved: bool
) -> None:
    plain = ArticleWriter(apart)

    def meanwhile() -> None:
        if moved:
            set_category(apart, 1, "quote")
        undo(ledger, plain)
        set_category(apart, 1, "convention")

    assert isinstance(commit(ledger, PausedWriter(apart, meanwhile)), Superseded)
    assert categories(apart) == NEW
    assert audit(ledger) == [(ChangeStatus.WRITTEN, None, "convention")] * 2
    assert undo(ledger, plain) == RollbackReport(reverted=2, conflicts=0, kept=0)
    assert categories(apart) == OLD


def test_what_did_not_arrive_stays_reverted(ledger: SqlLedger, apart: Database) -> None:
    def meanwhile() -> None:
        undo(ledger, ArticleWriter(apart))
        set_category(apart, 1, "quote")

    commit(ledger, PausedWriter(apart, meanwhile))
    statuses = [status for status, _, _ in audit(ledger)]
    assert statuses == [ChangeStatus.REVERTED, ChangeStatus.WRITTEN]


def test_intents_that_arrive_after_a_rollback_are_found_by_the_next(
    ledger: SqlLedger, apart: Database
) -> None:
    plain = ArticleWriter(apart)
    plain.dies = "before"
    with pytest.raises(Killed):
        save(ledger, open_pass(ledger), [change(1), change(2)], plain)
    opened = open_pass(ledger, holder="undoer", now=LATER)
    paused = PausedWriter(apart, lambda: undo(ledger, plain))
    assert ledger.settle_intents(opened, paused, LATER) == 0
    assert categories(apart) == NEW
    assert undo(ledger, plain).reverted == 2
    assert categories(apart) == OLD


def test_a_write_in_the_midst_of_a_rollback_stops_it(ledger: SqlLedger, apart: Database) -> None:
    called, go = Event(), Event()

    def pause() -> None:
        called.set()
        go.wait()

    worker = Thread(target=lambda: commit(ledger, PausedWriter(apart, pause)))
    worker.start()
    called.wait()

    class Slow(ArticleWriter):
        def revert(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
            receipts = super().revert(writes, connection)
            go.set()
            worker.join()
            return receipts

    with pytest.raises(UsageError, match="thought dead went on writing during the rollback"):
        undo(ledger, Slow(apart))
    assert categories(apart) == NEW
    assert undo(ledger, ArticleWriter(apart)).reverted == 2
    assert categories(apart) == OLD


class _Interrupted(Database):
    """Something happens once, after a transaction and before the next thing that its user does."""

    afterwards: Callable[[], object] | None = None

    @contextmanager
    def begin(self) -> Generator[Connection]:
        with super().begin() as connection:
            yield connection
        afterwards, self.afterwards = self.afterwards, None
        if afterwards is not None:
            afterwards()


def test_a_worker_that_was_overtaken_before_it_writes_does_not_write(
    database_url: str, ledger: SqlLedger, apart: Database
) -> None:
    own = _Interrupted(database_url, create=True)
    slow, writer = SqlLedger(own), ArticleWriter(apart)
    opened = open_pass(slow)
    own.afterwards = lambda: open_pass(ledger, holder="two", now=LATER)
    items = checkpoint_of([change(1), change(2)])
    assert slow.checkpoint(opened, FINGERPRINT, items, writer, NOW) == Superseded("two")
    assert writer.applied == []
    assert categories(apart) == OLD
    own.close()
