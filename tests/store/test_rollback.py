from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import pytest

from kclassify.core.decision import Advance, Done
from kclassify.core.states import ChangeStatus, PassStatus
from kclassify.database import Database
from kclassify.errors import UsageError
from kclassify.ports import Receipt, Write
from kclassify.store import LedgerReader, RollbackReport, SqlLedger, rollback
from kclassify.store.tables import runs
from kclassify.testing.contracts.ledger_material import (
    LEASE_S,
    NOW,
    change,
    open_pass,
    same,
    save,
)

from .articles import ArticleWriter, Killed, categories, create_articles, set_category

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from kclassify.ports import Settled

ROWS = 6


@pytest.fixture(params=["shared", "apart"])
def home(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Database]:
    """Where the articles are: in the ledger's database, or in another."""
    if request.param == "shared":
        create_articles(database, ROWS)
        yield database
        return
    other = Database(f"sqlite:///{tmp_path / 'articles.db'}", create=True)
    create_articles(other, ROWS)
    yield other
    other.close()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


@pytest.fixture
def writer(home: Database) -> ArticleWriter:
    return ArticleWriter(home)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["kclassify.store.rollback"], "BATCH", 2)


def commit(
    ledger: SqlLedger, writer: ArticleWriter, items: Sequence[Settled], *, done: bool = True
) -> None:
    opened = save(ledger, open_pass(ledger), items, writer).opened
    ledger.close_step(opened, Done() if done else Advance(opened.cursor), NOW)


def undo(
    ledger: SqlLedger, writer: ArticleWriter, now: Callable[[], float] = lambda: NOW
) -> RollbackReport:
    return rollback(ledger, writer, "r", "undoer", now, LEASE_S)


def all_convention() -> dict[int, str | None]:
    return dict.fromkeys(range(1, ROWS + 1), "convention")


def test_every_row_is_restored(
    ledger: SqlLedger, writer: ArticleWriter, home: Database, small_batches: None
) -> None:
    set_category(home, 5, None)
    before = categories(home)
    commit(ledger, writer, [*(change(key) for key in (1, 2, 3, 4)), change(5, None)])
    assert categories(home) != before
    assert undo(ledger, writer) == RollbackReport(reverted=5, conflicts=0, kept=0)
    assert categories(home) == before
    assert writer.finished == 1
    audit = list(LedgerReader(ledger.database).changes("r"))
    assert {(row.status, row.reverted_at) for row in audit} == {(ChangeStatus.REVERTED, NOW)}


def test_a_row_changed_by_two_passes_gets_its_oldest_label(
    ledger: SqlLedger, writer: ArticleWriter, home: Database
) -> None:
    commit(ledger, writer, [change(1), change(2)])
    commit(ledger, writer, [change(1, "playbook", "insight"), same(2)])
    assert categories(home)[1] == "insight"
    assert undo(ledger, writer).reverted == 3
    assert categories(home) == all_convention()


def test_a_row_that_someone_changed_since_is_left(
    ledger: SqlLedger, writer: ArticleWriter, home: Database
) -> None:
    set_category(home, 3, "quote")
    commit(ledger, writer, [change(1), change(2), change(3)])
    set_category(home, 2, "idea")
    assert undo(ledger, writer) == RollbackReport(reverted=1, conflicts=1, kept=1)
    assert categories(home) == all_convention() | {2: "idea", 3: "quote"}
    statuses = [row.status for row in LedgerReader(ledger.database).changes("r")]
    assert statuses == [ChangeStatus.REVERTED, ChangeStatus.REVERT_CONFLICT, ChangeStatus.CONFLICT]


def test_a_second_rollback_tries_conflicts_again_and_nothing_else(
    ledger: SqlLedger, writer: ArticleWriter, home: Database
) -> None:
    commit(ledger, writer, [change(1), change(2)])
    set_category(home, 2, "idea")
    undo(ledger, writer)
    assert undo(ledger, writer) == RollbackReport(reverted=0, conflicts=1, kept=0)
    set_category(home, 2, "playbook")
    assert undo(ledger, writer) == RollbackReport(reverted=1, conflicts=0, kept=0)
    assert categories(home) == all_convention()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_rollback_that_died_can_be_run_again(
    ledger: SqlLedger,
    writer: ArticleWriter,
    home: Database,
    small_batches: None,
    moment: Literal["before", "after"],
) -> None:
    commit(ledger, writer, [change(key) for key in range(1, ROWS + 1)])
    mortal = _DiesInSecondBatch(home, moment)
    with pytest.raises(Killed):
        rollback(ledger, mortal, "r", "undoer", lambda: NOW, LEASE_S)
    assert "playbook" in categories(home).values()
    report = undo(ledger, writer)
    assert (report.conflicts, report.reverted) == (0, ROWS - 2)
    assert categories(home) == all_convention()


def test_writes_whose_fate_is_unknown_are_undone_too(
    ledger: SqlLedger, writer: ArticleWriter, home: Database
) -> None:
    writer.database, writer.dies = None, "after"
    with pytest.raises(Killed):
        save(ledger, open_pass(ledger, holder="undoer"), [change(1), change(2)], writer)
    set_category(home, 2, "convention")  # as if this one had never arrived
    writer.database = home.identity
    assert undo(ledger, writer).conflicts == 0
    assert categories(home) == all_convention()
    opened = open_pass(ledger)
    assert ledger.settle_intents(opened, writer, NOW) == 0


def test_a_commit_under_way_is_abandoned_and_the_next_starts_anew(
    ledger: SqlLedger, writer: ArticleWriter, home: Database
) -> None:
    commit(ledger, writer, [change(1)], done=False)
    undo(ledger, writer)
    again = open_pass(ledger)
    assert (again.number, again.cursor) == (2, None)
    save(ledger, again, [change(1)], writer)
    assert categories(home)[1] == "playbook"
    first, _ = LedgerReader(ledger.database).status("r").passes
    assert first.status is PassStatus.ABANDONED


def test_a_run_that_another_worker_holds_is_not_rolled_back(
    ledger: SqlLedger, writer: ArticleWriter, home: Database
) -> None:
    save(ledger, open_pass(ledger, holder="busy"), [change(1)], writer)
    with pytest.raises(UsageError, match="run 'r' is held by busy"):
        undo(ledger, writer)
    assert categories(home)[1] == "playbook"
    assert undo(ledger, writer, lambda: NOW + LEASE_S).reverted == 1


def test_a_worker_that_the_rollback_overtook_writes_nothing_more(
    ledger: SqlLedger, writer: ArticleWriter, home: Database
) -> None:
    opened = save(ledger, open_pass(ledger, holder="slow"), [change(1)], writer).opened
    undo(ledger, writer, lambda: NOW + LEASE_S)
    with pytest.raises(AssertionError, match="Superseded"):
        save(ledger, opened, [change(2)], writer)
    assert categories(home) == all_convention()


def test_a_rollback_that_lost_the_lease_stops(
    ledger: SqlLedger, writer: ArticleWriter, home: Database, small_batches: None
) -> None:
    commit(ledger, writer, [change(key) for key in range(1, ROWS + 1)])
    thief = _TakesOver(home, ledger)
    with pytest.raises(UsageError, match="taken by another worker during the rollback"):
        rollback(ledger, thief, "r", "undoer", lambda: NOW, LEASE_S)
    assert list(categories(home).values()).count("playbook") >= ROWS - 2
    assert LedgerReader(ledger.database).status("r").lease_holder == "thief"


def test_a_rollback_prolongs_its_lease_also_within_a_long_batch(
    ledger: SqlLedger, writer: ArticleWriter, home: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["kclassify.store.rollback"], "BATCH_APART", 2)
    commit(ledger, writer, [change(key) for key in range(1, ROWS + 1)])
    slow = _Slow(home, ledger)
    rollback(ledger, slow, "r", "undoer", lambda: slow.now, LEASE_S)
    shared = home is ledger.database
    assert slow.sizes == ([ROWS] if shared else [2] * (ROWS // 2))
    assert slow.lease_at_the_end == slow.now + LEASE_S


def test_the_lease_is_free_afterwards(ledger: SqlLedger, writer: ArticleWriter) -> None:
    commit(ledger, writer, [change(1)])
    undo(ledger, writer)
    assert open_pass(ledger, holder="next").number == 2


def test_a_run_that_is_not_there_is_named_with_those_that_are(
    ledger: SqlLedger, writer: ArticleWriter
) -> None:
    commit(ledger, writer, [change(1)])
    with pytest.raises(UsageError, match="no run named 'x': there is r"):
        rollback(ledger, writer, "x", "undoer", lambda: NOW, LEASE_S)


class _DiesInSecondBatch(ArticleWriter):
    def __init__(self, home: Database, moment: Literal["before", "after"]) -> None:
        super().__init__(home)
        self.moment: Literal["before", "after"] = moment
        self.batches = 0

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        self.batches += 1
        if self.batches == 2:
            self.dies = self.moment
        return super().revert(writes, connection)


class _Slow(ArticleWriter):
    """Each batch takes nearly as long as the lease."""

    def __init__(self, home: Database, ledger: SqlLedger) -> None:
        super().__init__(home)
        self.ledger, self.now = ledger, NOW
        self.sizes: list[int] = []
        self.lease_at_the_end = 0.0

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        self.sizes.append(len(writes))
        self.now += LEASE_S - 1
        return super().revert(writes, connection)

    def finish(self) -> None:
        self.lease_at_the_end = LedgerReader(self.ledger.database).status("r").lease_expires_at


class _TakesOver(ArticleWriter):
    """After its first batch another worker opens the run."""

    def __init__(self, home: Database, ledger: SqlLedger) -> None:
        super().__init__(home)
        self.ledger = ledger

    def finish(self) -> None:
        raise AssertionError("a rollback that stopped is not finished")

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        receipts = super().revert(writes, connection)
        self._thieve(connection)
        return receipts

    def _thieve(self, connection: Connection | None) -> None:

        theft = runs.update().values(lease_holder="thief", lease_number=runs.c.lease_number + 1)
        if connection is not None:
            connection.execute(theft)
            return
        with self.ledger.database.begin() as own:
            own.execute(theft)
