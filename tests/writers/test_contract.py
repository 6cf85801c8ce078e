"""Every writer of the project against the suite that is shipped for writers."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from kclassify.sources import open_source
from kclassify.testing import MemoryWriter, WriterContract
from kclassify.writers import CallbackWriter, ColumnWriter, JsonlWriter
from tests.tables import insert, rows, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from kclassify.core.item import Key
    from kclassify.database import Database
    from kclassify.ports import Write, Writer
    from kclassify.testing.contracts.writer import Begin

    Labels = Mapping[Key, str | None]
    Make = Callable[[Labels], Writer]
    Read = Callable[[], Labels]


class OnTables(WriterContract):
    """`ColumnWriter`; a subclass says on which database."""

    declared = "TEXT"

    @pytest.fixture
    def database(self, sqlite_database: Database) -> Database:
        return sqlite_database

    @pytest.fixture
    def make_writer(self, database: Database) -> Make:
        def make(labels: Labels) -> Writer:
            columns = f"id {self.declared} PRIMARY KEY, category TEXT"
            run(database, "DROP TABLE IF EXISTS articles", f"CREATE TABLE articles ({columns})")
            insert(database, [{"id": key, "category": labels[key]} for key in labels])
            return ColumnWriter(database, "articles", key="id", current="category")

        return make

    @pytest.fixture
    def read_labels(self, database: Database) -> Read:
        return lambda: dict(rows(database, "SELECT id, category FROM articles"))

    @pytest.fixture
    def begin(self, database: Database) -> Begin:
        return database.begin


class TestColumnWriterOnSqlite(OnTables): ...


@pytest.mark.services
class TestColumnWriterOnPostgresql(OnTables):
    @pytest.fixture
    def database(self, one_postgres_database: Database) -> Database:
        return one_postgres_database


class TestColumnWriterWithNumbersForKeys(OnTables):
    declared = "INTEGER"

    def key(self, number: int) -> Key:
        return number * 2**40


class OnFiles(WriterContract):
    """`JsonlWriter`; a subclass says of which kind, and how such a file is written."""

    ending: str

    def store(self, path: Path, labels: Labels) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer: csv.DictWriter[str] = csv.DictWriter(file, ("id", "body", "current"))
            writer.writeheader()
            writer.writerows({"id": key, "current": labels[key]} for key in labels)

    @pytest.fixture
    def make_writer(self, tmp_path: Path) -> Iterator[Make]:
        made: list[Writer] = []

        def make(labels: Labels) -> Writer:
            source = tmp_path / f"articles.{self.ending}"
            self.store(source, labels)
            made.append(JsonlWriter(source, tmp_path / f"out.{self.ending}"))
            return made[-1]

        yield make
        for writer in made:
            writer.close()

    @pytest.fixture
    def read_labels(self, tmp_path: Path) -> Read:
        path = tmp_path / f"out.{self.ending}"
        return lambda: {item.key: item.current for item in open_source(path).page(None, 2000)}


class TestCsv(OnFiles):
    ending = "csv"


class TestJsonLines(OnFiles):
    ending = "jsonl"

    def store(self, path: Path, labels: Labels) -> None:
        lines = [json.dumps({"id": key, "body": "", "current": labels[key]}) for key in labels]
        path.write_text("\n".join(lines), encoding="utf-8")


class InMemory(WriterContract):
    """Writers over a dictionary, which `held` is."""

    @pytest.fixture
    def held(self) -> dict[Key, str | None]:
        return {}

    @pytest.fixture
    def read_labels(self, held: dict[Key, str | None]) -> Read:
        return lambda: held


class TestMemoryWriter(InMemory):
    @pytest.fixture
    def make_writer(self, held: dict[Key, str | None]) -> Make:
        def make(labels: Labels) -> Writer:
            writer = MemoryWriter(labels)
            held.update(labels)
            writer.labels = held
            return writer

        return make


class TestCallbackWriter(InMemory):
    """The function that examples/own_writer.py shows, and its inverse."""

    @pytest.fixture
    def make_writer(self, held: dict[Key, str | None]) -> Make:
        def swap(write: Write, before: str | None, after: str | None) -> bool:
            key = write.change.key
            if key not in held:
                return False
            if held[key] == before:
                held[key] = after
                return True
            return write.redo and held[key] == after

        def make(labels: Labels) -> Writer:
            held.update(labels)
            return CallbackWriter(
                lambda write: swap(write, write.change.before, write.change.after),
                lambda write: swap(write, write.change.after, write.change.before),
            )

        return make
