"""Labels written to the table that they were read from."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, false, select, types, update
from sqlalchemy.exc import DBAPIError

from kclassify.database import Database, reason_of
from kclassify.errors import WriterError
from kclassify.sources.table import check_key, find_table
from kclassify.writers.batch import Batch
from kclassify.writers.extra import ExtraColumns
from kclassify.writers.metadata import takes_members
from kclassify.writers.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence

    from sqlalchemy import Connection

    from kclassify.ports import Receipt, Write
    from kclassify.sources.table import FoundTable

_SAMPLE = 100
_TEXT = (types.String, types.Enum)
_JSON = (types.JSON, types.String)
_FRACTION = (types.Numeric, types.Float, types.String)


class ColumnWriter:
    """Compare-and-set on a column, in the ledger's transaction or in one of its own.

    A row whose label is not the one that was read, or that is gone, is a conflict and stays as it
    is. With `extra`, the receipt holds what those columns held before, as raw text where they are
    JSON, so that `revert` restores them to the byte. `protected` are columns that `extra` may not
    name, such as those of the title and the body.
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
        protected: Collection[str] = (),
    ) -> None:
        self._owned = isinstance(database, str)
        self._database = Database(database) if isinstance(database, str) else database
        self._name, self._schema, self._key, self._current = table, schema, key, current
        self._extra, self._protected = extra or ExtraColumns(), frozenset(protected)
        self._target: Target | None = None

    @property
    def database(self) -> str | None:
        """The identity of the database that is written to."""
        return self._database.identity

    def check(self, labels: Collection[str] = ()) -> None:
        """Raise `WriterError` when a table or column is missing or cannot take the labels.

        Where `labels` are going to be written, the metadata that is there is looked at, too.
        """
        self._check_names()
        with self._database.connect() as connection:
            found = self._find(connection)
            check_key(connection, found, self._key, WriterError)
            sqlite = connection.dialect.name == "sqlite"
            self._check_types(found, untyped=sqlite)
            self._check_writable(connection, found)
            if not sqlite:
                _check_labels(found, self._current, labels)
            if labels:
                self._check_metadata(connection, found)

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        """Write the labels: one receipt a write, in order.

        Raises `WriterError` when the table refuses a label, and `DatabaseError`.
        """
        with self._transaction(connection) as transaction:
            return self._batch(transaction, undo=False).run(writes)

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        """Put the old labels and extra columns back where the row still holds the new label.

        An extra column that others wrote to since is left, and of metadata all but our members.
        """
        with self._transaction(connection) as transaction:
            return self._batch(transaction, undo=True).run(writes)

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

    def _batch(self, connection: Connection, *, undo: bool) -> Batch:
        if self._target is None:
            found = self._find(connection)
            self._target = target_of(connection, found, self._key, self._current, self._extra)
        return Batch(connection, self._target, undo=undo)

    def _check_names(self) -> None:
        names = [self._key, self._current, *self._extra.names]
        twice = [name for name in names if names.count(name) > 1]
        twice += [name for name in self._extra.names if name in self._protected]
        if twice:
            raise WriterError(f"the column {twice[0]!r} of {self._name} is named for two purposes")

    def _check_types(self, found: FoundTable, *, untyped: bool) -> None:
        _check_type(found, self._current, _TEXT, "labels", untyped=untyped)
        _check_type(found, self._extra.reclassified_from, _TEXT, "labels", untyped=untyped)
        _check_type(found, self._extra.confidence, _FRACTION, "a confidence", untyped=untyped)
        _check_type(found, self._extra.metadata, _JSON, "a JSON object", untyped=untyped)

    def _check_metadata(self, connection: Connection, found: FoundTable) -> None:
        name = self._extra.metadata
        if name is None or isinstance(found.types[name], types.JSON):
            return
        column, key = found.table.c[name], found.table.c[self._key]
        given = column if connection.dialect.name == "sqlite" else cast(column, Text)
        sample = select(key, given).where(column.is_not(None)).order_by(key).limit(_SAMPLE)
        for at, value in connection.execute(sample):
            if not takes_members(value):
                raise WriterError(
                    f"the column {name!r} of {found.name} holds no JSON object in the row with the "
                    f"key {at!r}: name another column with [writer] metadata"
                )

    def _check_writable(self, connection: Connection, found: FoundTable) -> None:
        columns = [found.table.c[name] for name in (self._current, *self._extra.names)]
        nothing = update(found.table).where(false()).values({c: c for c in columns})
        try:
            if connection.dialect.name == "sqlite":
                self._check_rights()
                # Even an update of no row waits for the write lock; its plan does not.
                connection.exec_driver_sql(f"EXPLAIN {nothing.compile(connection)}")
            else:
                connection.execute(nothing)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            message = f"cannot write {self._current!r} in {found.name}: {reason_of(error)}"
            raise WriterError(message) from None

    def _check_rights(self) -> None:
        path = self._database.identity.removeprefix("sqlite:///")
        if not os.access(path, os.W_OK):
            raise WriterError(f"cannot write {self._current!r}: {path} is read-only")


def _check_labels(found: FoundTable, column: str, labels: Collection[str]) -> None:
    kind = found.types[column]
    where = f"the column {column!r} of {found.name} is {kind}"
    if isinstance(kind, types.Enum):
        lacking = sorted(set(labels) - set(kind.enums))
        if lacking:
            raise WriterError(f"{where}, an ENUM without {', '.join(map(repr, lacking))}: add it")
    elif isinstance(kind, types.String) and kind.length is not None:
        longest = max(labels, key=len, default="")
        if len(longest) > kind.length:
            raise WriterError(f"{where}: it is too short for the label {longest!r}")


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
