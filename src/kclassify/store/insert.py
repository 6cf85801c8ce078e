"""Inserts of many rows, and those that meet rows which are there already.

SQLite takes rows one by one from its driver, PostgreSQL by COPY, or all of them as one parameter
where some may be there: a statement a row costs it more than the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, column, select
from sqlalchemy.dialects import postgresql, sqlite

from kclassify.postgresql_copy import copy_rows
from kclassify.row_sets import given_rows, is_sqlite, packed

Row = dict[str, Any]
Names = tuple[str, ...]


def insert_or_ignore(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that leaves a row with the same unique key as it is."""
    return _insert(connection, table).on_conflict_do_nothing()


def insert_new(
    connection: Connection, table: Table, names: Names, rows: Sequence[Sequence[Any]]
) -> set[Any]:
    """The first column of each of these rows that was inserted, on PostgreSQL.

    One with the same unique key as another stays out.
    """
    insert = _from_rows(table, names).on_conflict_do_nothing().returning(table.c[names[0]])
    return set(connection.scalars(insert, packed(names, rows)))


def add_counts(
    connection: Connection, table: Table, names: Names, rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows, or add their `count` to that of the row with the same primary key."""
    if not rows:
        return
    if is_sqlite(connection):
        connection.exec_driver_sql(_sqlite_text(table, names, counts=True), list(rows))
    else:
        connection.execute(_counting(_from_rows(table, names), table), packed(names, rows))


def insert_all(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; nothing when there are none."""
    if rows:
        connection.execute(table.insert(), rows)


def insert_rows(
    connection: Connection, table: Table, names: Names, rows: Sequence[Sequence[Any]]
) -> None:
    """Insert many rows, each with a value for each name, in the order of the table's columns.

    The value of a JSON column is its text.
    """
    if not rows:
        return
    if is_sqlite(connection):
        connection.exec_driver_sql(_sqlite_text(table, names), list(rows))
    else:
        copy_rows(connection, table, names, rows)


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


def _counting(
    insert: sqlite.Insert | postgresql.Insert, table: Table
) -> sqlite.Insert | postgresql.Insert:
    total = table.c["count"] + insert.excluded["count"]
    keys = [each.name for each in table.primary_key]
    return insert.on_conflict_do_update(index_elements=keys, set_={"count": total})


@cache
def _from_rows(table: Table, names: Names) -> postgresql.Insert:
    given = given_rows([column(name, table.c[name].type) for name in names])
    rows = select(*(given.c[name] for name in names))
    return postgresql.insert(table).from_select(names, rows, include_defaults=False)


@cache
def _sqlite_text(table: Table, names: Names, *, counts: bool = False) -> str:
    insert: Insert = sqlite.insert(table)
    if counts:
        insert = _counting(sqlite.insert(table), table)
    compiled = insert.compile(dialect=sqlite.dialect(), column_keys=names)
    in_order = [each.name for each in table.columns if each.name in names]
    if in_order != list(names):
        raise ValueError(f"the columns of {table.name} come in the order {', '.join(in_order)}")
    return str(compiled)
