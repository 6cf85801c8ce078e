"""Many labels set together: each row is compared and told of by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import event

from kclassify.errors import WriterError
from kclassify.ports import WriteResult
from kclassify.writers import ColumnWriter
from tests.tables import rows, run
from tests.writers.test_column import labels, make, results, write

if TYPE_CHECKING:
    from kclassify.core.item import Key
    from kclassify.database import Database

WRITTEN, CONFLICT = WriteResult.WRITTEN, WriteResult.CONFLICT


def test_rows_that_changed_or_vanished_are_the_conflicts_of_their_group(database: Database) -> None:
    writer = make(database, {1: "old", 2: "moved", 4: None, 5: "new", 6: "new"})
    writes = [
        write(1, "old", "new"),
        write(2, "old", "new"),
        write(3, "old", "new"),
        write(4, None, "new"),
        write(5, "old", "new"),
        write(6, "old", "new", redo=True),
    ]
    expected = [WRITTEN, CONFLICT, CONFLICT, WRITTEN, CONFLICT, WRITTEN]
    assert results(writer.apply(writes, None)) == expected
    assert labels(database) == {1: "new", 2: "moved", 4: "new", 5: "new", 6: "new"}


def test_the_second_of_two_writes_to_one_row_builds_on_the_first(database: Database) -> None:
    writer = make(database, {1: "old", 2: "old"})
    writes = [write(1, "old", "mid"), write(2, "old", "new"), write(1, "mid", "new")]
    assert results(writer.apply(writes, None)) == [WRITTEN] * 3
    assert labels(database) == {1: "new", 2: "new"}
    again = [write(1, "new", "a"), write(1, "new", "b")]
    assert results(writer.apply(again, None)) == [WRITTEN, CONFLICT]


@pytest.mark.parametrize("kind", ["VARCHAR(3)", "CHAR(3)"])
def test_a_label_that_does_not_fit_is_refused_not_cut(
    postgres_database: Database, kind: str
) -> None:
    run(
        postgres_database,
        f"CREATE TABLE articles (id INTEGER PRIMARY KEY, category {kind})",
        "INSERT INTO articles VALUES (1, 'old'), (2, 'old')",
    )
    writer = ColumnWriter(postgres_database, "articles", key="id", current="category")
    with pytest.raises(WriterError, match="refuses a label among 'longer', 'new': value too long"):
        writer.apply([write(1, "old", "new"), write(2, "old", "longer")], None)
    assert results(writer.apply([write(1, "old", "new")], None)) == [WRITTEN]
    assert labels(postgres_database) == {1: "new", 2: "old"}


def test_a_trigger_that_came_while_the_writer_was_open_keeps_its_rows(
    postgres_database: Database,
) -> None:
    writer = make(postgres_database, {1: "old", 2: "old", 3: "old"})
    assert results(writer.apply([write(3, "old", "new")], None)) == [WRITTEN]
    body = "BEGIN RETURN CASE WHEN new.id = 1 THEN NULL ELSE new END; END"
    run(
        postgres_database,
        f"CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        "CREATE TRIGGER t BEFORE UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION keep()",
    )
    writes = [write(1, "old", "new"), write(2, "old", "new")]
    assert results(writer.apply(writes, None)) == [CONFLICT, WRITTEN]
    assert labels(postgres_database) == {1: "old", 2: "new", 3: "new"}


def test_tables_and_columns_may_have_the_names_of_what_a_statement_is_given(
    database: Database,
) -> None:
    columns = ", ".join(f"{name} TEXT" for name in ("rows", "at_key", "new_label", "category"))
    run(
        database,
        f"CREATE TABLE given (id INTEGER PRIMARY KEY, {columns})",
        "INSERT INTO given VALUES (1, 'a', 'b', 'c', 'old')",
    )
    writer = ColumnWriter(database, "given", key="id", current="category")
    assert results(writer.apply([write(1, "old", "mid")], None)) == [WRITTEN]
    twice = [write(1, "mid", "x"), write(1, "x", "new")]
    assert results(writer.apply(twice, None)) == [WRITTEN] * 2
    assert rows(database, "SELECT * FROM given") == [(1, "a", "b", "c", "new")]


def test_a_key_that_no_row_can_have_is_the_conflict_of_its_write(database: Database) -> None:
    writer = make(database, {1: "old"})
    keys: list[Key] = ["1", 2**63, UUID(int=1), 1]
    applied = writer.apply([write(key, "old", "new") for key in keys], None)
    assert results(applied) == [CONFLICT] * 3 + [WRITTEN]
    assert labels(database) == {1: "new"}


def test_what_the_table_takes_for_equal_is_still_another_label_or_key(
    sqlite_database: Database,
) -> None:
    either_case = "TEXT COLLATE NOCASE"
    run(
        sqlite_database,
        f"CREATE TABLE articles (id {either_case} PRIMARY KEY, category {either_case})",
        "INSERT INTO articles VALUES ('a', 'Old'), ('b', 'old'), ('1', 'old')",
    )
    writer = ColumnWriter(sqlite_database, "articles", key="id", current="category")
    for key in ("a", "B", 1):
        assert results(writer.apply([write(key, "old", "new")], None)) == [CONFLICT]
    assert results(writer.apply([write("b", "old", "new")], None)) == [WRITTEN]
    assert labels(sqlite_database) == {"a": "Old", "b": "new", "1": "old"}


def test_a_group_is_one_statement_not_one_a_row(postgres_database: Database) -> None:
    writer = make(postgres_database, dict.fromkeys(range(300), "old"))
    a_row_each: list[bool] = []

    def note(*sent: Any) -> None:
        a_row_each.append(sent[-1])

    event.listen(postgres_database.engine, "before_cursor_execute", note)
    applied = writer.apply([write(key, "old", "new") for key in range(300)], None)
    event.remove(postgres_database.engine, "before_cursor_execute", note)
    assert results(applied) == [WRITTEN] * 300
    assert not any(a_row_each)
    assert rows(postgres_database, "SELECT DISTINCT category FROM articles") == [("new",)]
