"""A survey looks at a table once, and believes no declaration that lets other keys in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from kclassify.errors import SourceError
from kclassify.ports import Survey, UnknownLabel
from kclassify.sources import SqlSource
from tests.tables import run

if TYPE_CHECKING:
    from collections.abc import Generator

    from kclassify.database import Database

ARTICLES = "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)"


def source_of(database: Database) -> SqlSource:
    return SqlSource(database, "articles", key="id", body="body", current="category")


@contextmanager
def statements_about_rows(database: Database) -> Generator[list[str]]:
    sent: list[str] = []

    def note(_: object, __: object, statement: str, *___: Any) -> None:
        if "FROM articles" in statement:
            sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.engine, "before_cursor_execute", note)


def test_a_table_of_known_labels_is_read_once(database: Database) -> None:
    run(database, ARTICLES, "INSERT INTO articles VALUES (1, 'x', 'a'), (2, 'x', NULL)")
    with statements_about_rows(database) as sent:
        assert source_of(database).survey({"a", "b"}) == Survey(2)
    assert len(sent) == 1


def test_unknown_labels_are_looked_for_where_there_are_any(database: Database) -> None:
    rows = ", ".join(f"({key}, 'x', '{'ab'[key % 2]}')" for key in range(1, 15))
    run(database, ARTICLES, f"INSERT INTO articles VALUES {rows}, (15, 'x', NULL)")
    with statements_about_rows(database) as sent:
        found = source_of(database).survey({"a"})
    assert found == Survey(15, (UnknownLabel("b", 7, (1, 3, 5, 7, 9)),))
    assert len(sent) == 2


@pytest.mark.parametrize(
    "declared",
    [
        "id INT PRIMARY KEY, body TEXT, category TEXT)",
        "id INTEGER PRIMARY KEY DESC, body TEXT, category TEXT)",
        "id INTEGER PRIMARY KEY, body TEXT, category TEXT) WITHOUT ROWID",
        "id INTEGER NOT NULL UNIQUE, body TEXT, category TEXT)",
    ],
)
def test_an_integer_key_of_sqlite_that_may_hold_text_is_looked_at(
    sqlite_database: Database, declared: str
) -> None:
    create = f"CREATE TABLE articles ({declared}"
    run(sqlite_database, create, "INSERT INTO articles VALUES (1, 'x', 'a'), ('one', 'x', 'a')")
    with pytest.raises(SourceError, match=r"mixes types: 1 integer .*, 1 text"):
        source_of(sqlite_database).survey({"a"})


def test_a_primary_key_of_sqlite_that_is_null_is_refused(sqlite_database: Database) -> None:
    create = "CREATE TABLE articles (id TEXT PRIMARY KEY, body TEXT, category TEXT)"
    run(sqlite_database, create, "INSERT INTO articles VALUES ('a', 'x', 'a'), (NULL, 'x', 'a')")
    with pytest.raises(SourceError, match="1 rows of articles have no key: 'id' is NULL there"):
        source_of(sqlite_database).survey({"a"})
