"""What a table has to be, and what a source says of one that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kclassify.errors import SourceError
from kclassify.ports import Survey
from kclassify.sources import SqlSource
from tests.tables import insert, is_sqlite, rows, run

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

    from kclassify.core.item import Item
    from kclassify.database import Database
    from kclassify.sources import Filter

DEFAULTS = {"key": "id", "body": "body", "current": "category"}


def make(database: Database, columns: str = "id INTEGER PRIMARY KEY") -> None:
    run(database, f"CREATE TABLE articles ({columns}, body TEXT, category TEXT)")


def fill(database: Database, *keys: Any) -> None:
    insert(database, [{"id": key, "body": "text", "category": "old"} for key in keys])


def complaint(database: Database, table: str = "articles", **fields: Any) -> str:
    named: dict[str, Any] = {**DEFAULTS, **fields}
    source = SqlSource(database, table, **named)
    with pytest.raises(SourceError) as caught:
        source.survey({"old"})
    message = str(caught.value)
    assert "\n" not in message
    return message


def items(database: Database, table: str = "articles", **fields: Any) -> list[Item]:
    named: dict[str, Any] = {**DEFAULTS, **fields}
    return list(SqlSource(database, table, **named).page(None, 100))


def test_a_missing_table_is_named_with_those_that_exist(database: Database) -> None:
    make(database)
    run(database, "CREATE VIEW notes AS SELECT 1 AS id")
    assert complaint(database, "nix") == "there is no table 'nix'; there are: articles, notes"


@pytest.mark.parametrize("role", ["key", "body", "current", "title"])
def test_a_missing_column_is_named_with_those_that_exist(database: Database, role: str) -> None:
    make(database)
    assert complaint(database, **{role: "nix"}) == (
        "articles has no column 'nix'; it has: id, body, category"
    )


def test_a_list_of_key_columns_is_refused(database: Database) -> None:
    with pytest.raises(SourceError, match="composite keys cannot order a run"):
        SqlSource(database, "articles", key=["a", "b"], body="body", current="category")


def test_a_part_of_a_composite_key_is_refused(database: Database) -> None:
    columns = "tenant INTEGER, id INTEGER, body TEXT, category TEXT, PRIMARY KEY (tenant, id)"
    run(database, f"CREATE TABLE articles ({columns})")
    assert "composite primary key (tenant, id)" in complaint(database)


def test_a_unique_part_of_a_composite_key_will_do(database: Database) -> None:
    columns = "tenant INTEGER, id INTEGER UNIQUE, body TEXT, category TEXT"
    run(database, f"CREATE TABLE articles ({columns}, PRIMARY KEY (tenant, id))")
    assert SqlSource(database, "articles", key="id", body="body", current="category").survey(
        set()
    ) == Survey(0)


def test_repeated_keys_are_refused_with_examples(database: Database) -> None:
    make(database, "id INTEGER")
    fill(database, 1, 2, 2, 3, 3)
    assert complaint(database).endswith("is not unique: more than once 2, 3")


def test_a_partial_unique_index_proves_nothing(database: Database) -> None:
    make(database, "id INTEGER")
    run(database, "CREATE UNIQUE INDEX the_later_ones ON articles (id) WHERE id > 2")
    fill(database, 1, 2, 2)
    assert complaint(database).endswith("is not unique: more than once 2")


def test_a_key_that_is_unique_without_saying_so_will_do(database: Database) -> None:
    make(database, "id INTEGER")
    fill(database, 1, 2)
    assert [item.key for item in items(database)] == [1, 2]
    source = SqlSource(database, "articles", key="id", body="body", current="category")
    assert source.survey({"old"}) == Survey(2)


def test_a_view_is_a_table(database: Database) -> None:
    make(database)
    fill(database, 1, 2, 3)
    run(database, "CREATE VIEW recent AS SELECT * FROM articles WHERE id > 1")
    assert [item.key for item in items(database, "recent")] == [2, 3]
    source = SqlSource(database, "recent", key="id", body="body", current="category")
    assert source.survey({"old"}) == Survey(2)


def test_rows_without_a_key_are_refused(database: Database) -> None:
    make(database, "id INTEGER UNIQUE")
    fill(database, 1, None, None)
    assert complaint(database) == "2 rows of articles have no key: 'id' is NULL there"


@pytest.mark.parametrize(
    "declared", ["REAL", "JSON", "BOOLEAN", "TIMESTAMP", "DATE", "DOUBLE PRECISION"]
)
def test_a_key_of_another_type_is_refused(database: Database, declared: str) -> None:
    make(database, f"id {declared}")
    assert "a key is an integer, a text or a UUID column" in complaint(database)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ([1, "a"], "1 integer (such as 1), 1 text (such as 'a')"),
        ([1.5], "is stored as real"),
        ([b"x"], "is stored as blob"),
    ],
)
def test_keys_are_judged_by_what_sqlite_stores(
    sqlite_database: Database, keys: list[Any], told: str
) -> None:
    make(sqlite_database, "id")
    fill(sqlite_database, *keys)
    assert told in complaint(sqlite_database)


def test_a_number_in_a_uuid_column_is_found(sqlite_database: Database) -> None:
    make(sqlite_database, "id UUID")
    fill(sqlite_database, "6f9c0000-0000-4000-8000-000000000000", "12345678")
    assert "mixes types" in complaint(sqlite_database)


def test_keys_of_two_types_never_share_a_page(sqlite_database: Database) -> None:
    make(sqlite_database, "id")
    fill(sqlite_database, 1, "a")
    with pytest.raises(SourceError, match="mixes types"):
        items(sqlite_database)
    source = SqlSource(sqlite_database, "articles", key="id", body="body", current="category")
    with pytest.raises(SourceError, match="mixes types"):
        source.page(1, 10)


def test_a_null_body_is_empty_and_a_null_title_is_none(database: Database) -> None:
    run(database, "CREATE TABLE articles (id INTEGER, title TEXT, body TEXT, category TEXT)")
    run(database, "INSERT INTO articles (id) VALUES (1)")
    (item,) = items(database, title="title")
    assert (item.body, item.title, item.current) == ("", None, None)


def test_a_binary_body_is_an_error_that_names_the_row(database: Database) -> None:
    kind = "BLOB" if is_sqlite(database) else "BYTEA"
    run(database, f"CREATE TABLE articles (id INTEGER, body {kind}, category TEXT)")
    insert(database, [{"id": 7, "body": b"\xff\x00", "category": None}])
    with pytest.raises(SourceError, match=r"^articles, row 7: 'body' is binary, not text$"):
        items(database)


def test_text_that_is_not_unicode_is_read(sqlite_database: Database) -> None:
    make(sqlite_database)
    run(sqlite_database, "INSERT INTO articles VALUES (1, CAST(x'61ff00eda08062' AS TEXT), 'old')")
    (item,) = items(sqlite_database)
    assert item.body == "a\N{REPLACEMENT CHARACTER}\0" + 3 * "\N{REPLACEMENT CHARACTER}" + "b"
    item.body.encode()


@pytest.mark.parametrize("stored", ["x'61ff'", "x'610062'"])
def test_a_key_that_not_every_database_can_store_is_refused(
    sqlite_database: Database, stored: str
) -> None:
    make(sqlite_database, "id TEXT PRIMARY KEY")
    run(sqlite_database, f"INSERT INTO articles VALUES (CAST({stored} AS TEXT), 'text', 'old')")
    with pytest.raises(SourceError, match="not every database can store"):
        items(sqlite_database)


def test_the_label_may_be_an_enum(postgres_database: Database) -> None:
    run(
        postgres_database,
        "CREATE TYPE category AS ENUM ('old', 'odd')",
        "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category category)",
        "INSERT INTO articles VALUES (1, 'text', 'old'), (2, 'text', 'odd'), (3, 'text', NULL)",
    )
    assert [item.current for item in items(postgres_database)] == ["old", "odd", None]
    source = SqlSource(postgres_database, "articles", key="id", body="body", current="category")
    assert [found.label for found in source.survey({"old"}).unknown] == ["odd"]


def test_labels_that_ignore_case_are_told_apart(sqlite_database: Database) -> None:
    columns = "id INTEGER PRIMARY KEY, body TEXT, category TEXT COLLATE NOCASE"
    run(sqlite_database, f"CREATE TABLE articles ({columns})")
    labels = ("old", "Old", "OLD", "OLD")
    insert(
        sqlite_database,
        [{"id": n, "body": "text", "category": label} for n, label in enumerate(labels)],
    )
    source = SqlSource(sqlite_database, "articles", key="id", body="body", current="category")
    unknown = source.survey({"old"}).unknown
    assert [(found.label, found.rows) for found in unknown] == [("OLD", 2), ("Old", 1)]


def test_a_table_in_a_schema(postgres_database: Database) -> None:
    run(postgres_database, 'CREATE SCHEMA "Kb"')
    columns = 'id INTEGER PRIMARY KEY, "Body" TEXT, category TEXT'
    run(postgres_database, f'CREATE TABLE "Kb"."Articles" ({columns})')
    run(postgres_database, """INSERT INTO "Kb"."Articles" VALUES (1, 'text', 'old')""")
    for table, schema in (("Articles", "Kb"), ("Kb.Articles", None)):
        assert len(items(postgres_database, table, schema=schema, body="Body")) == 1
    assert "in the schema 'nix'" in complaint(postgres_database, schema="nix")


def beyond_two(table: Table) -> ColumnElement[bool]:
    return table.c.id > 2


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"category": "old"}, [1, 2]),
        ({"category": None}, [4]),
        ({"category": ["new", None]}, [3, 4]),
        ({"category": ["old"], "id": 2}, [2]),
        ({"category": []}, []),
        (beyond_two, [3, 4]),
        ({}, [1, 2, 3, 4]),
    ],
)
def test_a_filter_chooses_the_items(
    database: Database, chosen: Filter, expected: list[int]
) -> None:
    make(database)
    labels = ["old", "old", "new", None]
    insert(
        database,
        [{"id": n, "body": "text", "category": label} for n, label in enumerate(labels, 1)],
    )
    source = SqlSource(
        database, "articles", key="id", body="body", current="category", filter=chosen
    )
    assert [item.key for item in source.page(None, 10)] == expected
    assert source.survey({"old", "new"}).items == len(expected)


def test_a_filter_on_a_missing_column_is_refused(database: Database) -> None:
    make(database)
    told = "articles has no column 'nix' to filter on; it has: id, body, category"
    assert complaint(database, filter={"nix": 1}) == told


def test_a_filter_value_that_does_not_fit_is_refused(postgres_database: Database) -> None:
    make(postgres_database, "id INTEGER PRIMARY KEY, age INTEGER")
    assert "the filter does not fit articles" in complaint(postgres_database, filter={"age": "x"})


def test_names_never_become_sql(database: Database) -> None:
    name = 'x"; DROP TABLE articles; --'
    make(database)
    quoted = name.replace('"', '""')
    run(database, f'ALTER TABLE articles ADD COLUMN "{quoted}" TEXT')
    fill(database, 1)
    assert items(database, body=name)[0].body == ""
    assert rows(database, "SELECT count(*) FROM articles") == [(1,)]
