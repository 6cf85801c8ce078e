"""What `check` refuses before anything is written."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import pytest

from kclassify.core.policy import Change
from kclassify.database import Database
from kclassify.errors import WriterError
from kclassify.ports import Write
from kclassify.writers import ColumnWriter, ExtraColumns
from tests.tables import rows, run

COLUMNS = "id INTEGER PRIMARY KEY, category TEXT, age INTEGER, note TEXT, meta JSON, sure REAL"


def complaint(
    database: Database, table: str = "articles", labels: tuple[str, ...] = (), **named: Any
) -> str:
    given: dict[str, Any] = {"key": "id", "current": "category", **named}
    writer = ColumnWriter(database, table, **given)
    with pytest.raises(WriterError) as caught:
        writer.check(labels)
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
        ({"extra": ExtraColumns(metadata="note"), "protected": ["note"]}, "for two purposes"),
        ({"extra": ExtraColumns(reclassified_from="note"), "protected": ["note"]}, "'note' of"),
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


@pytest.mark.parametrize("value", ["a note of ours", "[1]", '"x"'])
def test_text_that_is_no_object_is_refused_as_metadata(articles: Database, value: str) -> None:
    run(articles, f"INSERT INTO articles (id, note) VALUES (2, ''), (3, '{{}}'), (7, '{value}')")
    extra = ExtraColumns(metadata="note")
    told = complaint(articles, labels=("new",), extra=extra)
    assert "'note' of articles holds no JSON object in the row with the key 7" in told
    ColumnWriter(articles, "articles", key="id", current="category", extra=extra).check()


def test_objects_as_text_are_taken_as_metadata(articles: Database) -> None:
    run(
        articles, """INSERT INTO articles (id, note) VALUES (2, ''), (3, 'null'), (4, '{"a": 1}')"""
    )
    extra = ExtraColumns(metadata="note")
    ColumnWriter(articles, "articles", key="id", current="category", extra=extra).check(["new"])


def test_a_label_that_the_column_cannot_take_is_refused(postgres_database: Database) -> None:
    run(
        postgres_database,
        "CREATE TYPE kind AS ENUM ('old', 'new')",
        "CREATE TABLE articles (id INTEGER PRIMARY KEY, kind kind, short VARCHAR(4))",
    )
    told = complaint(postgres_database, labels=("new", "nix"), current="kind")
    assert "'kind' of articles is " in told
    assert "an ENUM without 'nix'" in told
    told = complaint(postgres_database, labels=("new", "newer"), current="short")
    assert "VARCHAR(4): it is too short for the label 'newer'" in told
    for column in ("kind", "short"):
        made = ColumnWriter(postgres_database, "articles", key="id", current=column)
        made.check(["old", "new"])


def test_a_plain_view_of_sqlite_is_refused(sqlite_database: Database) -> None:
    run(
        sqlite_database,
        f"CREATE TABLE articles ({COLUMNS})",
        "CREATE VIEW v AS SELECT * FROM articles",
    )
    assert "cannot write 'category' in v: cannot modify v" in complaint(sqlite_database, "v")


def test_a_refused_write_is_told_once(
    postgres_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    rule = "category TEXT CHECK (category IN ('old'))"
    run(postgres_database, f"CREATE TABLE articles (id INTEGER PRIMARY KEY, {rule})")
    run(postgres_database, "INSERT INTO articles SELECT n, 'old' FROM generate_series(1, 1000) n")
    made = ColumnWriter(postgres_database, "articles", key="id", current="category")
    with pytest.raises(WriterError, match="refuses a label among 'new'"):
        made.apply([Write(Change(n, "old", "new", 0.9), f"w{n}") for n in range(1, 1001)], None)
    assert not caplog.records
