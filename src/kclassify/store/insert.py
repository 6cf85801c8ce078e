"""Inserts that meet rows which are there already: SQLite's and PostgreSQL's ON CONFLICT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Row = dict[str, Any]


def insert_or_ignore(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that leaves a row with the same unique key as it is."""
    return _insert(connection, table).on_conflict_do_nothing()


def add_counts(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, or add their `count` to that of the row with the same primary key."""
    if rows:
        insert = _insert(connection, table)
        total = table.c["count"] + insert.excluded["count"]
        keys = [column.name for column in table.primary_key]
        connection.execute(
            insert.on_conflict_do_update(index_elements=keys, set_={"count": total}), rows
        )


def insert_all(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; nothing when there are none."""
    if rows:
        connection.execute(table.insert(), rows)


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    on_postgresql = connection.dialect.name == "postgresql"
    return postgresql.insert(table) if on_postgresql else sqlite.insert(table)
