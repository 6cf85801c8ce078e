"""Every source of the project against the suite that is shipped for sources."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.sources import CsvSource, JsonlSource, SqlSource
from kclassify.testing import MemoryTable, SourceContract
from tests.tables import insert, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kclassify.core.item import Item, Key
    from kclassify.database import Database
    from kclassify.ports import Source

    Make = Callable[[Sequence[Item]], Source]

FIELDS = ("id", "title", "body", "category")


def row(item: Item) -> dict[str, Any]:
    return dict(zip(FIELDS, (item.key, item.title, item.body, item.current), strict=True))


class OnTables(SourceContract):
    """`SqlSource`; a subclass says on which database, and with what keys."""

    declared = "TEXT"

    @pytest.fixture
    def database(self, sqlite_database: Database) -> Database:
        return sqlite_database

    @pytest.fixture
    def make_source(self, database: Database) -> Iterator[Make]:
        made: list[Source] = []

        def make(items: Sequence[Item]) -> Source:
            columns = f"id {self.declared} PRIMARY KEY, title TEXT, body TEXT, category TEXT"
            run(database, "DROP TABLE IF EXISTS articles", f"CREATE TABLE articles ({columns})")
            insert(database, [row(item) for item in items])
            title = "title" if self.has_titles else None
            named = SqlSource(
                database, "articles", key="id", title=title, body="body", current="category"
            )
            made.append(named)
            return named

        yield make
        for source in made:
            source.close()

    @pytest.fixture
    def relabel(self, database: Database) -> Callable[[Key, str | None], object]:
        def relabel(key: Key, label: str | None) -> None:
            told = "NULL" if label is None else repr(label)
            run(database, f"UPDATE articles SET category = {told} WHERE id = {key!r}")

        return relabel

    @pytest.fixture
    def remove(self, database: Database) -> Callable[[Key], object]:
        return lambda key: run(database, f"DELETE FROM articles WHERE id = {key!r}")


class TestSqlSourceOnSqlite(OnTables): ...


@pytest.mark.services
class TestSqlSourceOnPostgresql(OnTables):
    @pytest.fixture
    def database(self, one_postgres_database: Database) -> Database:
        return one_postgres_database


class TestSqlSourceWithNumbersForKeysAndNoTitles(OnTables):
    declared, has_titles = "INTEGER", False

    def key(self, number: int) -> Key:
        return number - 3


class TestJsonlSource(SourceContract):
    @pytest.fixture
    def make_source(self, tmp_path: Path) -> Make:
        def make(items: Sequence[Item]) -> Source:
            path = tmp_path / "articles.jsonl"
            lines = [json.dumps(row(item)) + "\n" for item in items]
            path.write_text("".join(lines), encoding="utf-8")
            return JsonlSource(path, current="category")

        return make


class TestCsvSource(SourceContract):
    @pytest.fixture
    def make_source(self, tmp_path: Path) -> Make:
        def make(items: Sequence[Item]) -> Source:
            path = tmp_path / "articles.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer: csv.DictWriter[str] = csv.DictWriter(file, FIELDS)
                writer.writeheader()
                writer.writerows(map(row, items))
            return CsvSource(path, current="category")

        return make


class TestMemoryTable(SourceContract):
    @pytest.fixture
    def tables(self) -> list[MemoryTable]:
        return []

    @pytest.fixture
    def make_source(self, tables: list[MemoryTable]) -> Make:
        def make(items: Sequence[Item]) -> Source:
            tables.append(MemoryTable(items))
            return tables[-1]

        return make

    @pytest.fixture
    def relabel(self, tables: list[MemoryTable]) -> Callable[[Key, str | None], object]:
        return lambda key, label: tables[-1].labels.update({key: label})
