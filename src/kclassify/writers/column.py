"""Labels written to the table that they were read from."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, cast, false, select, types, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from kclassify.database import Database, reason_of
from kclassify.errors import WriterError
from kclassify.ports import Receipt, WriteResult
from kclassify.sources.table import check_key, find_table
from kclassify.writers.compare import Standing, inverse, standing
from kclassify.writers.extra import ExtraColumns

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Table, Update

    from kclassify.core.item import Key
    from kclassify.ports import Write
    from kclassify.sources.table import FoundTable

_KEYS_AT_ONCE = 500
_TEXT = (types.String, types.Enum)
_JSON = (types.JSON, types.String)
_FRACTION = (types.Numeric, types.Float, types.String)


@dataclass(slots=True)
class _Row:
    label: str | None
    extra: Mapping[str, Any]


class ColumnWriter:
    """Compare-and-set on a column, in the ledger's transaction or in one of its own.

    A row whose label is not the one that was read, or that is gone, is a conflict and stays as it
    is. With `extra`, the receipt holds what those columns held before, as raw text where they are
    JSON, so that `revert` restores them to the byte.
    """

    def __init__(
        self,
        database: Database | str,
        table: str,
        *,
        key: str,
        current: str,
        extra: ExtraColumns | None = None,
        schema: str | None = None,
    ) -> None:
        self._owned = isinstance(database, str)
        self._database = Database(database) if isinstance(database, str) else database
        self._name, self._schema, self._key, self._current = table, schema, key, current
        self._extra = extra or ExtraColumns()
        self._table: Table | None = None

    @property
    def database(self) -> str | None:
        """The identity of the database that is written to."""
        return self._database.identity

    def check(self) -> None:
        """Raise `WriterError` when a table or column is missing or cannot take the labels."""
        self._check_names()
        with self._database.connect() as connection:
            found = self._find(connection)
            check_key(connection, found, self._key, WriterError)
            sqlite = connection.dialect.name == "sqlite"
        _check_type(found, self._current, _TEXT, "labels", untyped=sqlite)
        _check_type(found, self._extra.reclassified_from, _TEXT, "labels", untyped=sqlite)
        _check_type(found, self._extra.confidence, _FRACTION, "a confidence", untyped=sqlite)
        _check_type(found, self._extra.metadata, _JSON, "a JSON object", untyped=sqlite)
        self._check_writable(found)

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        """Write the labels: one receipt a write, in order.

        Raises `WriterError` when the table refuses a label, and `DatabaseError`.
        """
        with self._transaction(connection) as transaction:
            return _Batch(self, transaction, writes, undo=False).run()

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        """Put the old labels and extra columns back where the row still holds the new label.

        Metadata that others wrote to since loses our members only.
        """
        with self._transaction(connection) as transaction:
            return _Batch(self, transaction, writes, undo=True).run()

    def finish(self) -> None:
        """Nothing is left to do: rows were written as they came."""

    def close(self) -> None:
        """Let go of connections, where the writer opened the database itself."""
        if self._owned:
            self._database.close()

    @contextmanager
    def _transaction(self, connection: Connection | None) -> Generator[Connection]:
        if connection is not None:
            yield connection
            return
        with self._database.begin() as own:
            yield own

    def _find(self, connection: Connection) -> FoundTable:
        wanted = [self._key, self._current, *self._extra.names]
        return find_table(connection, self._name, self._schema, wanted, WriterError)

    def _found(self, connection: Connection) -> Table:
        if self._table is None:
            self._table = self._find(connection).table
        return self._table

    def _check_names(self) -> None:
        names = [self._key, self._current, *self._extra.names]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise WriterError(f"the column {twice[0]!r} of {self._name} is named for two purposes")

    def _check_writable(self, found: FoundTable) -> None:
        columns = [found.table.c[name] for name in (self._current, *self._extra.names)]
        nothing = update(found.table).where(false()).values({c: c for c in columns})
        with self._database.begin() as connection:
            try:
                connection.execute(nothing)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                message = f"cannot write {self._current!r} in {found.name}: {reason_of(error)}"
                raise WriterError(message) from None


class _Batch:
    def __init__(
        self, writer: ColumnWriter, connection: Connection, writes: Sequence[Write], *, undo: bool
    ) -> None:
        self._connection, self._writes, self._undo = connection, writes, undo
        self._name = writer._name
        self._extra = writer._extra
        self._table = writer._found(connection)
        self._key, self._label = self._table.c[writer._key], self._table.c[writer._current]
        self._updates: list[dict[str, Any]] = []

    def run(self) -> list[Receipt]:
        rows = self._read(write.change.key for write in self._writes)
        receipts = [self._plan(write, rows.get(write.change.key)) for write in self._writes]
        if self._updates and self._update() != len(self._updates):
            self._find_lost(rows, receipts)
        return receipts

    def _plan(self, write: Write, row: _Row | None) -> Receipt:
        if row is None:
            return Receipt(WriteResult.CONFLICT)
        change = write.change
        expected, wanted = inverse(change) if self._undo else (change.before, change.after)
        found = standing(row.label, expected, wanted, redo=write.redo)
        if found is Standing.ALREADY:
            return Receipt(WriteResult.WRITTEN, write.extra)
        values = (
            self._extra.reverted(row.extra, write.extra)
            if self._undo
            else self._extra.written(row.extra, change)
        )
        if found is Standing.CONFLICT or values is None:
            return Receipt(WriteResult.CONFLICT)
        parameters = {
            f"new_{number}": values[name] for number, name in enumerate(self._extra.names)
        }
        keys = {"at_key": change.key, "old_label": expected, "new_label": wanted}
        self._updates.append(keys | parameters)
        receipt = Receipt(WriteResult.WRITTEN, dict(row.extra))
        row.label, row.extra = wanted, values
        return receipt

    def _read(self, keys: Iterable[Key]) -> dict[Key, _Row]:
        extra = [self._as_text(self._table.c[name]) for name in self._extra.names]
        query = select(self._key, self._as_text(self._label), *extra).order_by(self._key)
        rows: dict[Key, _Row] = {}
        for chunk in _chunks(sorted(set(keys), key=repr)):
            locked = query.where(self._key.in_(chunk)).with_for_update()
            for key, label, *values in self._connection.execute(locked):
                rows[key] = _Row(label, dict(zip(self._extra.names, values, strict=True)))
        return rows

    def _update(self) -> int:
        try:
            return self._connection.execute(self._statement(), self._updates).rowcount
        except (IntegrityError, DataError) as error:
            labels = sorted({repr(parameters["new_label"]) for parameters in self._updates})
            raise WriterError(
                f"{self._name} refuses a label among {', '.join(labels)}: {reason_of(error)}"
            ) from None

    def _statement(self) -> Update:
        values: dict[Any, Any] = {self._label: bindparam("new_label")}
        for number, name in enumerate(self._extra.names):
            values[self._table.c[name]] = bindparam(f"new_{number}")
        unchanged = self._as_text(self._label).is_not_distinct_from(bindparam("old_label"))
        return update(self._table).where(self._key == bindparam("at_key"), unchanged).values(values)

    def _find_lost(self, planned: Mapping[Key, _Row], receipts: list[Receipt]) -> None:
        # A trigger of the table's may keep a row from being written, and says nothing.
        now = self._read(parameters["at_key"] for parameters in self._updates)
        for number, write in enumerate(self._writes):
            key = write.change.key
            written = receipts[number].result is WriteResult.WRITTEN
            if written and (key not in now or now[key].label != planned[key].label):
                receipts[number] = Receipt(WriteResult.CONFLICT)

    def _as_text(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        # PostgreSQL reads and takes every type as text; SQLite stores whatever it is given.
        return column if self._connection.dialect.name == "sqlite" else cast(column, Text)


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        yield keys[start : start + _KEYS_AT_ONCE]


def _check_type(
    found: FoundTable,
    column: str | None,
    accepted: tuple[type[types.TypeEngine[Any]], ...],
    purpose: str,
    *,
    untyped: bool,
) -> None:
    if column is None:
        return
    kind = found.types[column]
    if not isinstance(kind, accepted) and not (untyped and isinstance(kind, types.NullType)):
        raise WriterError(
            f"the column {column!r} of {found.name} is {kind}: it cannot hold {purpose}"
        )
