from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, Boolean, Column, Double, Integer, MetaData, Table, Text, select, text
from sqlalchemy.exc import IntegrityError

from kclassify import Database
from kclassify.errors import DatabaseError
from kclassify.postgresql_copy import copy_rows
from tests.tables import one_postgres_database

__all__ = ["one_postgres_database"]

pytestmark = pytest.mark.services
COPIED = Table(
    'a "strange" name; --',
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("said; --", Text),
    Column("share", Double),
    Column("is it", Boolean),
    Column("more", JSON),
)
NAMES = [each.name for each in COPIED.columns]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
ODD = st.sampled_from(["", "\\N", "\\.", "\t", "a\nb", "\r\n", "\\", "NULL", "{}", "'", '"', "%s"])
JSONS = st.dictionaries(TEXTS | ODD, TEXTS | ODD | st.none() | st.integers(), max_size=3)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXTS | ODD,
        st.none() | st.floats(allow_nan=False),
        st.none() | st.booleans(),
        JSONS,
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture
def database(one_postgres_database: Database) -> Iterator[Database]:
    COPIED.create(one_postgres_database.engine)
    yield one_postgres_database
    COPIED.drop(one_postgres_database.engine)


def row(number: int, said: str = "one") -> tuple[Any, ...]:
    return number, said, 0.5, True, "{}"


@given(ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_arrive_as_they_were_given(database: Database, rows: list[tuple[Any, ...]]) -> None:
    wanted = [(number, *each) for number, each in enumerate(rows)]
    with database.begin() as connection:
        connection.execute(COPIED.delete())
        given = [(*each[:-1], json.dumps(each[-1])) for each in wanted]
        copy_rows(connection, COPIED, NAMES, given)
    with database.connect() as connection:
        assert [*map(tuple, connection.execute(select(COPIED).order_by("number")))] == wanted


def test_a_key_that_is_there_is_an_integrity_error_and_nothing_is_kept(database: Database) -> None:
    for rows in ([row(1), row(1)], [row(1), row(2), row(1)]):
        with pytest.raises(IntegrityError), database.begin() as connection:
            copy_rows(connection, COPIED, NAMES, rows)
    with database.begin() as connection:
        copy_rows(connection, COPIED, NAMES, [row(1)])
    with pytest.raises(IntegrityError), database.begin() as connection:
        copy_rows(connection, COPIED, NAMES, [row(1)])
    with database.connect() as connection:
        assert connection.scalars(select(COPIED.c.number)).all() == [1]


def test_a_row_that_cannot_be_stored_is_an_error_that_does_not_show_it(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught, database.begin() as connection:
        copy_rows(connection, COPIED, NAMES, [("no number", "secret", 0.5, True, "{}")])
    assert "invalid input syntax for type integer" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_connection_that_was_cut_is_named_and_not_used_again(database: Database) -> None:
    end = text("SELECT pg_terminate_backend(:pid)")

    def copy_and_lose() -> None:
        with database.begin() as cut:
            with database.begin() as other:
                other.execute(end, {"pid": cut.scalar(text("SELECT pg_backend_pid()"))})
            copy_rows(cut, COPIED, NAMES, [row(1)])

    with pytest.raises(DatabaseError, match="cannot use postgresql"):
        copy_and_lose()
    with database.begin() as connection:
        copy_rows(connection, COPIED, NAMES, [row(1)])
