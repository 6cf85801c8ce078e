"""Parts of a table: any keys of each type, any number of parts, each row in exactly one."""

from __future__ import annotations

import itertools
import string
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from kclassify.core.division import Division
from kclassify.errors import DatabaseError, SourceError
from kclassify.sources import SqlSource
from tests.tables import insert, is_sqlite, rows, run

if TYPE_CHECKING:
    from kclassify.core.item import Key
    from kclassify.database import Database
    from kclassify.sources.filters import Filter

quick = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
# Most of them close together, a few far away.
skewed = st.integers(-20, 20) | st.integers(-(2**63), 2**63 - 1)
mixed_case = st.text(string.ascii_letters + "äÄéÉßøØ -_.1", max_size=6)
numbers_of_parts = st.integers(1, 12)


def fill(database: Database, declared: str, keys: set[Any]) -> None:
    run(
        database,
        "DROP TABLE IF EXISTS articles",
        f"CREATE TABLE articles (id {declared} PRIMARY KEY, body TEXT, category TEXT)",
    )
    insert(database, [{"id": key, "body": str(key), "category": None} for key in keys])


def source_of(database: Database, where: Filter | None = None) -> SqlSource:
    return SqlSource(database, "articles", key="id", body="body", current="category", filter=where)


def in_order(database: Database) -> list[Any]:
    return [key for (key,) in rows(database, "SELECT id FROM articles ORDER BY id")]


def read(source: SqlSource, after: Key | None, until: Key | None) -> list[Key]:
    found: list[Key] = []
    page = source.part(after, until, 4)
    while page and len(found) < 100:
        found += [item.key for item in page]
        page = source.part(found[-1], until, 4)
    return found


def check(
    source: SqlSource,
    expected: list[Key],
    parts: int,
    after: Key | None = None,
    until: Key | None = None,
) -> Division:
    """Every expected key in one part, in order; the parts as many as asked for, and as equal."""
    division = source.divide(parts, after, until)
    edges = [after, *division.bounds, until]
    read_parts = [read(source, begin, end) for begin, end in itertools.pairwise(edges)]
    assert list(itertools.chain(*read_parts)) == expected
    assert division.sizes == tuple(map(len, read_parts))
    assert len(division.sizes) == max(1, min(parts, len(expected)))
    assert max(division.sizes) - min(division.sizes) <= 1
    assert division.bounds == tuple(part[-1] for part in read_parts[:-1])
    return division


def check_all(database: Database, parts: int) -> None:
    """The whole table, and each of its parts again."""
    source, keys = source_of(database), in_order(database)
    division = check(source, keys, parts)
    first = 0
    edges = itertools.pairwise([None, *division.bounds, None])
    for (after, until), size in zip(edges, division.sizes, strict=True):
        check(source, keys[first : first + size], 3, after, until)
        first += size


@quick
@given(keys=st.sets(skewed, max_size=30), parts=numbers_of_parts)
def test_skewed_integers(database: Database, keys: set[int], parts: int) -> None:
    fill(database, "BIGINT", keys)
    check_all(database, parts)


@quick
@given(keys=st.sets(st.uuids(), max_size=30), parts=numbers_of_parts)
def test_uuids(postgres_database: Database, keys: set[UUID], parts: int) -> None:
    fill(postgres_database, "UUID", keys)
    check_all(postgres_database, parts)


@quick
@given(keys=st.sets(st.uuids().map(str), max_size=30), parts=numbers_of_parts)
def test_uuids_as_text(database: Database, keys: set[str], parts: int) -> None:
    fill(database, "CHAR(36)", keys)
    check_all(database, parts)


@pytest.mark.parametrize("collation", ["C", "en-x-icu", "de-x-icu"])
@quick
@given(keys=st.sets(mixed_case, max_size=30), parts=numbers_of_parts)
def test_texts_in_every_collation(
    postgres_database: Database, collation: str, keys: set[str], parts: int
) -> None:
    fill(postgres_database, f'TEXT COLLATE "{collation}"', keys)
    check_all(postgres_database, parts)


@quick
@given(
    keys=st.lists(mixed_case, max_size=30, unique_by=lambda key: key.rstrip()),
    parts=numbers_of_parts,
)
def test_padded_texts(postgres_database: Database, keys: list[str], parts: int) -> None:
    fill(postgres_database, 'CHAR(8) COLLATE "en-x-icu"', set(keys))
    check_all(postgres_database, parts)


def test_texts_of_a_collation_that_takes_case_for_the_same(postgres_database: Database) -> None:
    kind = "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    run(postgres_database, f"CREATE COLLATION ignoring_case {kind}")
    fill(postgres_database, "TEXT COLLATE ignoring_case", set("bACZy"))
    assert source_of(postgres_database).divide(2).bounds == ("C",)
    assert source_of(postgres_database).divide(2, "a", "z").bounds == ("C",)
    check_all(postgres_database, 3)


@quick
@given(
    keys=st.lists(mixed_case, max_size=30, unique_by=lambda key: key.encode().lower()),
    parts=numbers_of_parts,
)
def test_texts_that_ignore_case_in_sqlite(
    sqlite_database: Database, keys: list[str], parts: int
) -> None:
    fill(sqlite_database, "TEXT COLLATE NOCASE", set(keys))
    check_all(sqlite_database, parts)


@quick
@given(
    marked=st.dictionaries(st.integers(0, 100), st.sampled_from(["in", "out", None]), max_size=30),
    parts=numbers_of_parts,
    edges=st.tuples(st.none() | st.integers(-1, 101), st.none() | st.integers(-1, 101)),
)
def test_only_items_count_in_any_part(
    database: Database,
    marked: dict[int, str | None],
    parts: int,
    edges: tuple[int | None, int | None],
) -> None:
    fill(database, "INTEGER", set())
    insert(database, [{"id": key, "category": mark} for key, mark in marked.items()])
    after, until = edges
    expected = [
        key
        for key in sorted(marked)
        if marked[key] == "in"
        and (after is None or key > after)
        and (until is None or key <= until)
    ]
    check(source_of(database, {"category": "in"}), list(expected), parts, after, until)


def test_a_key_without_an_index_divides_a_view(database: Database) -> None:
    fill(database, "INTEGER", set(range(10)))
    run(database, "CREATE VIEW doubled AS SELECT id * 2 AS id, body, category FROM articles")
    source = SqlSource(database, "doubled", key="id", body="body", current="category")
    assert source.divide(3) == Division((6, 12), (4, 3, 3))


def test_a_filter_that_does_not_fit_is_named(postgres_database: Database) -> None:
    fill(postgres_database, "INTEGER", {1, 2})
    with pytest.raises(SourceError, match="the filter does not fit articles: "):
        source_of(postgres_database, {"id": "x"}).divide(2)


def test_a_bound_that_is_no_key_is_no_fault_of_a_filter(postgres_database: Database) -> None:
    fill(postgres_database, "INTEGER", {1, 2})
    with pytest.raises(DatabaseError, match="invalid input syntax"):
        source_of(postgres_database).divide(2, "x")


def statement_of(database: Database) -> tuple[str, Any]:
    """The statement that divides the table, and its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, given: Any, *___: object) -> None:
        seen.append((statement, given))

    event.listen(database.engine, "before_cursor_execute", note)
    source_of(database).divide(4)
    event.remove(database.engine, "before_cursor_execute", note)
    return seen[-1]


def test_the_bodies_are_not_read_and_nothing_is_sorted(database: Database) -> None:
    fill(database, "TEXT", set())
    insert(database, [{"id": f"{n:036}", "body": "x" * 1900} for n in range(2000)])
    only_the_index, explain = "COVERING INDEX", "EXPLAIN QUERY PLAN "
    if not is_sqlite(database):
        only_the_index, explain = "Index Only Scan", "EXPLAIN "
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            # A row counts as visible to all only once its commit has reached the disk.
            connection.exec_driver_sql("CHECKPOINT")
            connection.exec_driver_sql("VACUUM ANALYZE articles")
    statement, given = statement_of(database)
    with database.connect() as connection:
        told = "\n".join(map(str, connection.exec_driver_sql(explain + statement, given)))
    assert told.count(only_the_index) == 2, told
    # The last keys of the parts are put in order, not those of the rows.
    assert "Sort Key: articles" not in told
    assert told.count("TEMP B-TREE") <= 1
