"""Whose a row is: the tenants of a table, and the rows of one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, literal, or_, select, type_coerce

from kclassify.database import Database
from kclassify.errors import SourceError
from kclassify.sources.filters import Filter, condition
from kclassify.sources.table import AsStored, find_table
from kclassify.sources.text import well_formed

PAGE = 1000


def rows_of_tenant(
    database: Database, column: str, tenant: str, given: Filter | None = None
) -> Filter:
    """A filter: what `given` keeps of the rows in which the column holds this tenant."""
    is_sqlite = database.engine.dialect.name == "sqlite"

    def own(table: Table) -> ColumnElement[bool]:
        if column not in table.c:
            exist = ", ".join(table.c.keys())
            raise SourceError(
                f"{table.name} has no column {column!r} that could name the tenant; it has: {exist}"
            )
        held = type_coerce(table.c[column], AsStored())
        return and_(condition(table, given), _is(held, tenant, is_sqlite=is_sqlite))

    return own


def _is(held: ColumnElement[Any], tenant: str, *, is_sqlite: bool) -> ColumnElement[bool]:
    """Sent without a type, a text is taken by PostgreSQL for what the column is: a UUID, a number.

    SQLite does so where the column has a type; where it has none, a number is no text.
    """
    same = held == literal(tenant, AsStored())
    if is_sqlite:
        with suppress(ValueError):
            if str(int(tenant)) == tenant:
                return or_(same, held == literal(int(tenant), AsStored()))
    return same


class TenantColumn:
    """The column of a table that says whose a row is, of integer, text or UUID type."""

    def __init__(
        self,
        database: Database,
        table: str,
        column: str,
        *,
        schema: str | None = None,
        filter: Filter | None = None,  # noqa: A002 # the field's word
    ) -> None:
        self._database = database
        self._table, self._schema = table, schema
        self._name, self._filter = column, filter

    def tenants(self) -> Iterator[str]:
        """The distinct values as texts, in order, in pages by value.

        No connection is held between them, and those that come meanwhile behind the last one are
        among them. Raises `SourceError` for a missing table or column and for other values.
        """
        last: object = None
        told: str | None = None
        while page := self._page(last):
            for value in page:
                tenant = self._text_of(value)
                if tenant != told:
                    yield tenant
                told = tenant
            last = page[-1]

    def count_rows_without(self) -> int:
        """How many rows are nobody's: the column is NULL there."""
        with self._database.connect() as connection:
            column, where = self._found(connection)
            query = select(func.count()).select_from(column.table)
            return connection.scalar(query.where(where, column.is_(None))) or 0

    def _page(self, last: object) -> list[object]:
        with self._database.connect() as connection:
            column, where = self._found(connection)
            later = column.is_not(None) if last is None else column > literal(last, AsStored())
            query = select(column).distinct().where(where, later).order_by(column).limit(PAGE)
            return list(connection.scalars(query))

    def _found(self, connection: Any) -> tuple[Any, ColumnElement[bool]]:  # noqa: ANN401
        found = find_table(connection, self._table, self._schema, [self._name], SourceError)
        return found.table.c[self._name], condition(found.table, self._filter)

    def _text_of(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | str | UUID):
            kind = type(value).__name__
            raise SourceError(
                f"the column {self._name!r} of {self._table} holds a {kind}: a tenant is named by "
                "an integer, a text or a UUID"
            )
        told = str(value)
        if "\0" in told or well_formed(told) != told:
            raise SourceError(
                f"the column {self._name!r} of {self._table} holds {told!a}: the name of a "
                "tenant has no NUL and no broken characters"
            )
        return told
