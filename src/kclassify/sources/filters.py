"""Which rows of a table are items: a filter from the configuration file or from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, and_, or_, true

from kclassify.errors import SourceError

Filter = Mapping[str, Any] | Callable[[Table], ColumnElement[bool]]
"""Column to value, list of values or None (NULL), all of which hold; or a function of the table."""


def condition(table: Table, given: Filter | None) -> ColumnElement[bool]:
    """The filter as SQL. Raises `SourceError` for a column that the table does not have."""
    if given is None:
        return true()
    if callable(given):
        return given(table)
    return and_(true(), *(_holds(table, name, value) for name, value in given.items()))


def _holds(table: Table, name: str, value: object) -> ColumnElement[bool]:
    if name not in table.c:
        exist = ", ".join(table.c.keys())
        raise SourceError(f"{table.name} has no column {name!r} to filter on; it has: {exist}")
    column = cast("ColumnElement[Any]", table.c[name])
    if value is None:
        return column.is_(None)
    if not isinstance(value, list | tuple | set | frozenset):
        return column == value
    values = list(cast("list[object]", value))
    some = column.in_([entry for entry in values if entry is not None])
    return or_(some, column.is_(None)) if None in values else some
