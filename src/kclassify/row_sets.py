"""Many rows or values in one parameter: the statement is the same however many there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from sqlalchemy import String, any_, bindparam, func, literal, select, types
from sqlalchemy.dialects.postgresql import ARRAY, JSON

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnClause, ColumnElement, Connection, TableValuedAlias

    Values = Collection[str] | Collection[int] | Collection[str | int | UUID]

T = TypeVar("T")
_TYPES: dict[type, types.TypeEngine[Any]] = {
    str: types.Text(),
    int: types.BigInteger(),
    UUID: types.Uuid(),
}
# A parameter that is named like a column of the table that is written to would be taken for it.
ROWS = "kclassify_rows"
"""The parameter that `given_rows` takes: what `packed` makes of rows."""
_GIVEN = "kclassify_given"


def is_sqlite(connection: Connection) -> bool:
    """Whether this is SQLite; else it is PostgreSQL."""
    return connection.dialect.name == "sqlite"


def among(connection: Connection, column: ColumnElement[Any], values: Values) -> ColumnElement[Any]:
    """Whether the column holds one of these values, all of one type.

    An IN list has a parameter a value, and is put together anew each time.
    """
    if is_sqlite(connection):
        return _is_in(column, literal(json.dumps(list(values)), String()), on_sqlite=True)
    first = next(iter(values), "")
    kind = next(kind for base, kind in _TYPES.items() if isinstance(first, base))
    return _is_in(column, literal(list(values), ARRAY(kind)), on_sqlite=False)


def among_given(
    column: ColumnElement[Any],
    name: str,
    kind: types.TypeEngine[Any] | None = None,
    *,
    on_sqlite: bool,
) -> ColumnElement[bool]:
    """Whether the column holds one of the values, texts without a `kind`, of this parameter.

    A statement with it is put together once; `given_values` makes the parameter.
    """
    several = String() if on_sqlite else ARRAY(kind or types.Text())
    return _is_in(column, bindparam(name, type_=several), on_sqlite=on_sqlite)


def _is_in(
    column: ColumnElement[Any], values: ColumnElement[Any], *, on_sqlite: bool
) -> ColumnElement[bool]:
    if on_sqlite:
        return column.in_(select(func.json_each(values).table_valued("value").c.value))
    return column == any_(values)


def given_values(values: Sequence[T], *, on_sqlite: bool) -> str | Sequence[T]:
    """The parameter of `among_given`."""
    return json.dumps(values) if on_sqlite else values


def given_rows(columns: Iterable[ColumnClause[Any]]) -> TableValuedAlias:
    """The rows of a statement's parameter `ROWS`, on PostgreSQL, as a table with these columns."""
    rows = func.json_to_recordset(bindparam(ROWS, type_=JSON()))
    return rows.table_valued(*columns, name=_GIVEN).render_derived(name=_GIVEN, with_types=True)


def packed(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """The parameters of a statement with `given_rows`: each row has a value for each name."""
    return {ROWS: [dict(zip(names, row, strict=True)) for row in rows]}
