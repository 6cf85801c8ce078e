"""Items from a table, in pages by key."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, and_, case, cast, func, select
from sqlalchemy.exc import DBAPIError, StatementError

from kclassify.core.item import Item, Key
from kclassify.database import Database, reason_of
from kclassify.errors import SourceError
from kclassify.ports import Survey, UnknownLabel
from kclassify.sources.division import between, division, last_of_parts
from kclassify.sources.filters import Filter, condition
from kclassify.sources.table import check_key, find_table
from kclassify.sources.text import key_of, text_of
from kclassify.sources.unknown import EXAMPLES, LABELS

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from kclassify.core.division import Division
    from kclassify.sources.table import FoundTable


@dataclass(frozen=True, slots=True)
class _Columns:
    found: FoundTable
    key: ColumnElement[Any]
    title: ColumnElement[Any] | None
    body: ColumnElement[Any]
    current: ColumnElement[Any]
    where: ColumnElement[bool]


class SqlSource:
    """The rows of a table or a view, ordered by a unique key of integer, text or UUID type.

    A NULL in `current` is an item without a label; a NULL in `body` is an empty body. `filter`
    tells which rows are items. Nothing is read before the first call.
    """

    def __init__(
        self,
        database: Database | str,
        table: str,
        *,
        key: str | list[str] | tuple[str, ...],
        body: str,
        current: str,
        title: str | None = None,
        filter: Filter | None = None,  # noqa: A002 # the field's word
        schema: str | None = None,
    ) -> None:
        if not isinstance(key, str):
            raise SourceError("a key is one column: composite keys cannot order a run")
        if key in {body, current}:
            raise SourceError(f"{key!r} is the key, it cannot be the body or the current label too")
        self._owned = isinstance(database, str)
        self._database = Database(database) if isinstance(database, str) else database
        self._table, self._schema, self._filter = table, schema, filter
        self._key, self._title, self._body, self._current = key, title, body, current
        self._columns: _Columns | None = None

    @property
    def description(self) -> str:
        """One line for people: the table and its database, without a password."""
        name = f"{self._schema}.{self._table}" if self._schema else self._table
        return f"{name} in {self._database.description}"

    def survey(self, known: Collection[str]) -> Survey:
        """Count the items and find unknown labels.

        Raises `SourceError` for a missing table or column, and for a key that is not unique, not
        there in every row, composite, or of another type than integer, text or UUID.
        """
        with self._database.connect() as connection:
            columns = self._found(connection)
            check_key(connection, columns.found, self._key, SourceError)
            with self._filter_named():
                items, strange = connection.execute(_counted(columns, known)).one()
            return Survey(items, _unknown_labels(connection, columns, known) if strange else ())

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        """At most `limit` items whose keys follow `after`; fewer than `limit` means the end."""
        return self.part(after, None, limit)

    def part(self, after: Key | None, until: Key | None, limit: int) -> Sequence[Item]:
        """At most `limit` items whose keys follow `after` and do not follow `until`."""
        with self._database.connect() as connection:
            columns = self._found(connection)
            rows = connection.execute(_page(columns, after, until, limit)).all()
        items = [self._item(row) for row in rows]
        keys = [item.key for item in items] if after is None else [after, *(i.key for i in items)]
        kinds = sorted({type(key).__name__ for key in keys})
        if len(kinds) > 1:
            shown = " and ".join(kinds)
            raise SourceError(f"the key {self._key!r} of {self._table} mixes types: {shown}")
        return items

    def divide(self, parts: int, after: Key | None = None, until: Key | None = None) -> Division:
        """The items whose keys follow `after` and not `until`, in at most so many equal parts.

        Raises `SourceError` for a missing table or column, and `ValueError` for less than one part.
        """
        if parts < 1:
            raise ValueError(f"a source is divided into 1 part or more, not {parts}")
        with self._database.connect() as connection:
            columns = self._found(connection)
            where = and_(columns.where, between(columns.key, after, until))
            with self._filter_named():
                rows = connection.execute(last_of_parts(columns.key, where, parts)).all()
        return division([(key_of(key, self._table, self._key), place) for key, place in rows])

    def close(self) -> None:
        """Let go of connections, where the source opened the database itself."""
        if self._owned:
            self._database.close()

    def _found(self, connection: Connection) -> _Columns:
        if self._columns is None:
            self._columns = self._find(connection)
        return self._columns

    def _find(self, connection: Connection) -> _Columns:
        wanted = [self._key, self._body, self._current, *([self._title] if self._title else [])]
        found = find_table(connection, self._table, self._schema, wanted, SourceError)
        table = found.table
        label = table.c[self._current]
        return _Columns(
            found,
            key=table.c[self._key],
            title=table.c[self._title] if self._title else None,
            body=table.c[self._body],
            # As text, an enum and a padded or case-insensitive text compare by what they are.
            current=label.collate("BINARY") if _is_sqlite(connection) else cast(label, Text),
            where=condition(table, self._filter),
        )

    def _item(self, row: Row[Any, Any, Any, str | None]) -> Item:
        value, title, body, current = row
        where = f"{self._table}, row {value!a}"
        return Item(
            key=key_of(value, where, self._key),
            title=text_of(title, where, str(self._title)),
            body=text_of(body, where, self._body) or "",
            current=text_of(current, where, self._current),
        )

    @contextmanager
    def _filter_named(self) -> Generator[None]:
        try:
            yield
        except StatementError as error:
            is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
            if is_lost or self._filter is None:
                raise
            reason = reason_of(error) if isinstance(error, DBAPIError) else str(error.orig)
            raise SourceError(f"the filter does not fit {self._table}: {reason}") from None


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _page(
    columns: _Columns, after: Key | None, until: Key | None, limit: int
) -> Select[Any, Any, Any, str | None]:
    title = columns.title if columns.title is not None else func.nullif(1, 1)
    page = select(columns.key, title, columns.body, columns.current)
    page = page.where(columns.where, between(columns.key, after, until))
    return page.order_by(columns.key).limit(limit)


def _counted(columns: _Columns, known: Collection[str]) -> Select[Any, int]:
    """How many items there are, and how many of them have an unknown label: the table once."""
    is_unknown = _is_unknown(columns, known)
    strange = func.count(case((is_unknown, 1)))
    return select(func.count(), strange).select_from(columns.found.table).where(columns.where)


def _is_unknown(columns: _Columns, known: Collection[str]) -> ColumnElement[bool]:
    return and_(columns.current.is_not(None), columns.current.not_in(sorted(known)))


def _unknown_labels(
    connection: Connection, columns: _Columns, known: Collection[str]
) -> tuple[UnknownLabel, ...]:
    ranked = (
        select(
            columns.current.label("current_label"),
            columns.key.label("item_key"),
            func.count().over(partition_by=columns.current).label("label_rows"),
            func.row_number()
            .over(partition_by=columns.current, order_by=columns.key)
            .label("place"),
        )
        .where(columns.where, _is_unknown(columns, known))
        .subquery()
    )
    first = select(ranked).where(ranked.c.place <= EXAMPLES)
    ordered = first.order_by(ranked.c.label_rows.desc(), ranked.c.current_label, ranked.c.place)
    found: dict[str, UnknownLabel] = {}
    for label, key, rows, _ in connection.execute(ordered.limit(EXAMPLES * LABELS)):
        name = text_of(str(label), columns.found.name, "current") or ""
        known_keys = found[name].keys if name in found else ()
        found[name] = UnknownLabel(name, rows, (*known_keys, key))
    return tuple(found.values())
