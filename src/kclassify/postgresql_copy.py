"""Many rows for PostgreSQL by COPY, which takes them for half of what an INSERT of them costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine, ExecutionContext, Table

_IS_COPY = "kclassify_copy"


class _Copy(Protocol):
    def write_row(self, row: Sequence[Any]) -> None: ...


class _Cursor(Protocol):
    def copy(self, statement: str) -> AbstractContextManager[_Copy]: ...


def allow_copy(engine: Engine) -> None:
    """Make `copy_rows` possible on the connections of this engine, which is one of psycopg's."""
    event.listen(engine, "do_execute", _copy_one)
    event.listen(engine, "do_executemany", _copy)


def copy_rows(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows, each with a value for each name; that of a JSON column is its text.

    It is a statement like any other: its errors are SQLAlchemy's.
    """
    preparer = connection.dialect.identifier_preparer
    columns = ", ".join(preparer.format_column(table.c[name]) for name in names)
    statement = f"COPY {preparer.format_table(table)} ({columns}) FROM STDIN"
    connection.exec_driver_sql(statement, rows, execution_options={_IS_COPY: True})


def _copy(
    cursor: _Cursor, statement: str, rows: Sequence[Sequence[Any]], context: ExecutionContext
) -> bool:
    """Whether it was done here, as SQLAlchemy asks before it executes anything."""
    if not context.execution_options.get(_IS_COPY):
        return False
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    return True


def _copy_one(
    cursor: _Cursor, statement: str, row: Sequence[Any], context: ExecutionContext
) -> bool:
    return _copy(cursor, statement, [row], context)
