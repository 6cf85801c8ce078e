"""A writer in another database: at least once, with a death between each pair of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from kclassify.core.policy import Action
from kclassify.core.states import ChangeStatus
from kclassify.database import Database
from kclassify.store import LedgerReader, SqlLedger
from kclassify.testing.contracts.ledger_material import (
    LEASE_S,
    NOW,
    change,
    open_pass,
    same,
    save,
)

from .articles import ArticleWriter, Killed, categories, create_articles, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from kclassify.core.item import Key
    from kclassify.ports import Settled

LATER = NOW + LEASE_S


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Database]:
    """The database of the articles; the ledger is in another."""
    database = Database(f"sqlite:///{tmp_path / 'articles.db'}", create=True)
    create_articles(database, 4)
    yield database
    database.close()


@pytest.fixture
def writer(apart: Database) -> ArticleWriter:
    return ArticleWriter(apart)


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


def die_in_the_second_transaction(connection: Connection, cursor: Key | None) -> None:
    raise Killed


def statuses(database: Database) -> list[ChangeStatus]:
    return [row.status for row in LedgerReader(database).changes("r")]


def as_the_source_shows_them(apart: Database) -> list[Settled]:
    shown = categories(apart)
    return [change(key) if shown[key] == "convention" else same(key) for key in (1, 2, 3)]


def test_without_a_death_everything_is_written_once(
    ledger: SqlLedger, writer: ArticleWriter, database: Database, apart: Database
) -> None:
    recorded = save(ledger, open_pass(ledger), [change(1), change(2), same(3)], writer)
    assert recorded.actions == [Action.WRITTEN, Action.WRITTEN, Action.SAME]
    assert categories(apart)[2] == "playbook"
    assert statuses(database) == [ChangeStatus.WRITTEN] * 2
    assert recorded.opened.settled == 3


@pytest.mark.parametrize(
    ("moment", "arrived"),
    [("before", False), ("midway", False), ("after", True), ("second transaction", True)],
)
@pytest.mark.parametrize("settled_first", [False, True])
def test_a_death_anywhere_is_mended_by_the_next_worker(
    ledger: SqlLedger,
    writer: ArticleWriter,
    database: Database,
    apart: Database,
    moment: Literal["before", "midway", "after", "second transaction"],
    arrived: bool,
    settled_first: bool,
) -> None:
    enqueue = None
    if moment == "second transaction":
        enqueue = die_in_the_second_transaction
    else:
        writer.dies = moment
    with pytest.raises(Killed):
        save(ledger, open_pass(ledger), as_the_source_shows_them(apart), writer, enqueue)
    assert statuses(database) == [ChangeStatus.INTENT] * 3
    assert (categories(apart)[1] == "playbook") is arrived
    assert run_sql(database, "SELECT COUNT(*) FROM kclassify_outcome") == [(0,)]

    opened = open_pass(ledger, holder="two", now=LATER)
    assert opened.cursor is None
    if settled_first:
        assert ledger.settle_intents(opened, writer, LATER) == 3
    recorded = save(ledger, opened, as_the_source_shows_them(apart), writer)

    assert recorded.actions == [Action.WRITTEN] * 3
    assert statuses(database) == [ChangeStatus.WRITTEN] * 3
    assert categories(apart) == {1: "playbook", 2: "playbook", 3: "playbook", 4: "convention"}
    (transition,) = LedgerReader(database).status("r").passes[0].transitions
    assert (transition.before, transition.after) == ("convention", "playbook")
    assert (transition.action, transition.count) == (Action.WRITTEN, 3)
    current = run_sql(database, "SELECT DISTINCT current FROM kclassify_outcome")
    assert current == [("convention",)]


def test_many_intents_are_settled_in_batches(
    ledger: SqlLedger, database: Database, apart: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kclassify.store.intents.BATCH", 2)
    writer = ArticleWriter(apart)
    writer.dies = "before"
    with pytest.raises(Killed):
        save(ledger, open_pass(ledger), as_the_source_shows_them(apart), writer)
    opened = open_pass(ledger, holder="two", now=LATER)
    assert ledger.settle_intents(opened, writer, LATER) == 3
    assert [write.redo for write in writer.applied] == [True] * 3
    assert statuses(database) == [ChangeStatus.WRITTEN] * 3


def test_a_dry_run_needs_no_second_transaction(
    ledger: SqlLedger, writer: ArticleWriter, database: Database
) -> None:
    opened = open_pass(ledger)
    recorded = save(ledger, opened, [same(1)], writer)
    assert recorded.opened.version == opened.version + 1
    assert statuses(database) == []
