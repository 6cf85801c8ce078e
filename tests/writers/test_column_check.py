"""What `check` refuses before anything is written."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import pytest

from kclassify.database import Database
from kclassify.errors import WriterError
from kclassify.writers import ColumnWriter, ExtraColumns
from tests.tables import rows, run

COLUMNS = "id INTEGER PRIMARY KEY, category TEXT, age INTEGER, note TEXT, meta JSON, sure REAL"


def complaint(database: Database, table: str = "articles", **named: Any) -> str:
    given: dict[str, Any] = {"key": "id", "current": "category", **named}
    writer = ColumnWriter(database, table, **given)
    with pytest.raises(WriterError) as caught:
        writer.check()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def articles(database: Database) -> Database:
    run(database, f"CREATE TABLE articles ({COLUMNS})")
    run(database, "INSERT INTO articles (id, category) VALUES (1, 'old')")
    return database


def test_a_table_that_takes_labels_passes_unchanged(articles: Database) -> None:
    extra = ExtraColumns(reclassified_from="note", confidence="sure", metadata="meta")
    ColumnWriter(articles, "articles", key="id", current="category", extra=extra).check()
    assert rows(articles, "SELECT category, note FROM articles") == [("old", None)]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"table": "nix"}, "there is no table 'nix'; there are: articles"),
        ({"current": "nix"}, "no column 'nix'; it has: id, category, age, note, meta, sure"),
        ({"key": "nix"}, "no column 'nix'; it has: id,"),
        ({"extra": ExtraColumns(metadata="nix")}, "no column 'nix'; it has: id,"),
        ({"current": "age"}, "'age' of articles is INTEGER: it cannot hold labels"),
        ({"extra": ExtraColumns(metadata="age")}, "it cannot hold a JSON object"),
        ({"extra": ExtraColumns(confidence="age")}, "it cannot hold a confidence"),
        ({"extra": ExtraColumns(reclassified_from="age")}, "it cannot hold labels"),
        ({"current": "id"}, "'id' of articles is named for two purposes"),
        ({"extra": ExtraColumns(metadata="category")}, "is named for two purposes"),
        ({"extra": ExtraColumns(metadata="note", confidence="note")}, "for two purposes"),
        ({"key": "note"}, "have no key: 'note' is NULL there"),
    ],
)
def test_what_cannot_take_labels_is_named(
    articles: Database, named: dict[str, Any], told: str
) -> None:
    assert told in complaint(articles, **named)


def test_a_key_that_would_write_two_rows_is_refused(articles: Database) -> None:
    run(articles, "UPDATE articles SET note = 'x'")
    run(articles, "INSERT INTO articles (id, note) VALUES (2, 'x')")
    assert "is not unique: more than once 'x'" in complaint(articles, key="note")


def test_a_view_that_cannot_be_written_is_refused(articles: Database) -> None:
    run(articles, "CREATE VIEW counted AS SELECT DISTINCT id, category FROM articles")
    assert "cannot write 'category' in counted: cannot " in complaint(articles, "counted")


def test_a_check_does_not_wait_for_another_writer(sqlite_database: Database) -> None:
    run(sqlite_database, f"CREATE TABLE articles ({COLUMNS})")
    url = sqlite_database.description
    with sqlite_database.begin(), closing(Database(url)) as other:
        with other.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        ColumnWriter(other, "articles", key="id", current="category").check()


def test_a_file_that_is_read_only_is_told(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(sqlite_database, f"CREATE TABLE articles ({COLUMNS})")
    path = sqlite_database.identity.removeprefix("sqlite:///")

    def has_right(name: str, mode: int) -> bool:
        return (name, mode) != (path, os.W_OK)

    monkeypatch.setattr(os, "access", has_right)
    assert complaint(sqlite_database) == f"cannot write 'category': {path} is read-only"


def test_a_right_that_is_missing_is_told(postgres_database: Database) -> None:
    run(postgres_database, f"CREATE TABLE articles ({COLUMNS})")
    trigger = "CREATE RULE r AS ON UPDATE TO articles DO INSTEAD NOTHING"
    run(postgres_database, "CREATE VIEW fixed AS SELECT id, 'x'::text AS category FROM articles")
    run(postgres_database, trigger)
    assert "cannot write 'category' in fixed" in complaint(postgres_database, "fixed")
