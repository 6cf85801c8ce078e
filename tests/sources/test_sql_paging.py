"""Keyset pages: any keys of each type, any page size, each row exactly once."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kclassify.sources import SqlSource
from tests.tables import insert, rows, run

if TYPE_CHECKING:
    from kclassify.core.item import Key
    from kclassify.database import Database

quick = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
integers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
mixed_case = st.text(string.ascii_letters + "äÄéÉßøØ -_.1", max_size=6)
sizes = st.integers(1, 7)


def create(database: Database, declared: str) -> None:
    run(
        database,
        "DROP TABLE IF EXISTS articles",
        f"CREATE TABLE articles (id {declared} PRIMARY KEY, body TEXT, category TEXT)",
    )


def fill(database: Database, declared: str, keys: list[Any]) -> None:
    create(database, declared)
    insert(database, [{"id": key, "body": str(key), "category": None} for key in keys])


def read(database: Database, size: int) -> list[Key]:
    source = SqlSource(database, "articles", key="id", body="body", current="category")
    page = source.page(None, size)
    found = [item.key for item in page]
    while len(page) == size:
        page = source.page(found[-1], size)
        found += [item.key for item in page]
    return found


def in_database(database: Database) -> list[Any]:
    return [key for (key,) in rows(database, "SELECT id FROM articles ORDER BY id")]


@quick
@given(keys=st.sets(integers, max_size=20), size=sizes)
def test_integer_keys(database: Database, keys: set[int], size: int) -> None:
    fill(database, "BIGINT", list(keys))
    assert read(database, size) == sorted(keys)


@quick
@given(keys=st.sets(texts, max_size=20), size=sizes)
def test_text_keys(database: Database, keys: set[str], size: int) -> None:
    fill(database, "TEXT", list(keys))
    found = read(database, size)
    assert found == in_database(database)
    assert sorted(map(str, found)) == sorted(keys)


@quick
@given(keys=st.sets(st.uuids(), max_size=20), size=sizes)
def test_uuid_keys(postgres_database: Database, keys: set[UUID], size: int) -> None:
    fill(postgres_database, "UUID", list(keys))
    assert read(postgres_database, size) == sorted(keys)


@pytest.mark.parametrize("declared", ["CHAR(36)", "TEXT", "VARCHAR"])
@quick
@given(keys=st.sets(st.uuids(), max_size=12), size=sizes)
def test_uuids_as_text(
    sqlite_database: Database, declared: str, keys: set[UUID], size: int
) -> None:
    fill(sqlite_database, declared, [str(key) for key in keys])
    assert read(sqlite_database, size) == sorted(str(key) for key in keys)


@pytest.mark.parametrize("collation", ["C", "en-x-icu", "de-x-icu", "und-x-icu"])
@quick
@given(keys=st.sets(mixed_case, max_size=20), size=sizes)
def test_order_and_comparison_agree_in_every_collation(
    postgres_database: Database, collation: str, keys: set[str], size: int
) -> None:
    fill(postgres_database, f'TEXT COLLATE "{collation}"', list(keys))
    found = read(postgres_database, size)
    assert found == in_database(postgres_database)
    assert set(found) == keys


@quick
@given(keys=st.sets(mixed_case.map(str.rstrip), max_size=20), size=sizes)
def test_padded_keys(postgres_database: Database, keys: set[str], size: int) -> None:
    fill(postgres_database, 'CHAR(8) COLLATE "en-x-icu"', list(keys))
    assert read(postgres_database, size) == in_database(postgres_database)


def test_keys_of_a_type_that_ignores_case(postgres_database: Database) -> None:
    available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'"
    if rows(postgres_database, available) == [(0,)]:
        pytest.skip("this PostgreSQL has no citext")
    run(postgres_database, "CREATE EXTENSION citext")
    fill(postgres_database, "CITEXT", ["b", "A", "C", "a b", "Z", "y"])
    for size in range(1, 7):
        assert read(postgres_database, size) == ["A", "a b", "b", "C", "y", "Z"]


def test_keys_of_a_collation_that_takes_case_for_the_same(postgres_database: Database) -> None:
    kind = "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    run(postgres_database, f"CREATE COLLATION ignoring_case {kind}")
    fill(postgres_database, "TEXT COLLATE ignoring_case", ["b", "A", "C", "Z", "y"])
    for size in range(1, 6):
        assert read(postgres_database, size) == ["A", "b", "C", "y", "Z"]


def test_keys_that_ignore_case_in_sqlite(sqlite_database: Database) -> None:
    fill(sqlite_database, "TEXT COLLATE NOCASE", ["b", "A", "C", "Z", "y"])
    for size in range(1, 6):
        assert read(sqlite_database, size) == ["A", "b", "C", "y", "Z"]


@pytest.mark.parametrize("keys", [["10", "9", "x"], [10, 9, 100]])
def test_keys_in_a_column_without_a_type(sqlite_database: Database, keys: list[Any]) -> None:
    fill(sqlite_database, "", keys)
    for size in range(1, 4):
        assert read(sqlite_database, size) == sorted(keys)
