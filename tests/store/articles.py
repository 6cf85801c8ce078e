"""A table of articles, and a writer to it that can be told to die."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, select

from kclassify.database import Database
from kclassify.ports import Receipt, Write, WriteResult

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractContextManager

articles = Table(
    "articles",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("body", Text),
    Column("category", Text),
)


class Killed(Exception):
    """The worker dies here."""


def create_articles(database: Database, count: int, category: str | None = "convention") -> None:
    with database.begin() as connection:
        articles.metadata.create_all(connection)
        rows = [
            {"id": n, "body": f"text of {n}", "category": category} for n in range(1, count + 1)
        ]
        connection.execute(articles.insert(), rows)


def categories(database: Database) -> dict[int, str | None]:
    with database.connect() as connection:
        query = select(articles.c.id, articles.c.category).order_by(articles.c.id)
        return {row.id: row.category for row in connection.execute(query)}


def set_category(database: Database, key: int, category: str | None) -> None:
    with database.begin() as connection:
        connection.execute(articles.update().where(articles.c.id == key).values(category=category))


def dump(database: Database, *but: str) -> dict[str, list[str]]:
    """Every row of every table of the ledger, as text."""
    metadata = MetaData()
    metadata.reflect(database.engine, only=lambda name, _: name.startswith("kclassify_"))
    with database.connect() as connection:
        return {
            table.name: sorted(str(row) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
            if table.name not in but
        }


class ArticleWriter:
    """Compare-and-set on `articles.category`, one row at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.database: str | None = database.identity
        self.dies: Literal["before", "midway", "after"] | None = None
        self.applied: list[Write] = []
        self.finished = 0

    def check(self, labels: Collection[str] = ()) -> None: ...

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        self._die("before")
        with self._transaction(connection) as own:
            receipts: list[Receipt] = []
            for number, write in enumerate(writes):
                change = write.change
                receipts.append(_swap(own, write, change.before, change.after))
                if number == len(writes) // 2:
                    self._die("midway")
        self.applied += writes
        self._die("after")
        return receipts

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        self._die("before")
        with self._transaction(connection) as own:
            receipts = [_swap(own, w, w.change.after, w.change.before) for w in writes]
        self._die("after")
        return receipts

    def finish(self) -> None:
        self.finished += 1

    def close(self) -> None: ...

    def _transaction(self, connection: Connection | None) -> AbstractContextManager[Connection]:
        return self._database.begin() if connection is None else nullcontext(connection)

    def _die(self, moment: str) -> None:
        if self.dies == moment:
            self.dies = None
            raise Killed


def _swap(
    connection: Connection, write: Write, expected: str | None, wanted: str | None
) -> Receipt:
    row = articles.c.id == write.change.key
    held = connection.execute(
        articles.update()
        .where(row, articles.c.category.is_not_distinct_from(expected))
        .values(category=wanted)
    )
    if held.rowcount == 1:
        return Receipt(WriteResult.WRITTEN, {"held": expected})
    there = connection.scalar(select(articles.c.category).where(row))
    arrived = write.redo and there == wanted
    return Receipt(WriteResult.WRITTEN if arrived else WriteResult.CONFLICT)


def run_sql(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(sqlalchemy.text(statement))]
