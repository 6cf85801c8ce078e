"""One batch of writes to a table: read, compare, set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, cast, select, update
from sqlalchemy.exc import DataError, IntegrityError

from kclassify.database import reason_of
from kclassify.errors import WriterError
from kclassify.ports import Receipt, WriteResult
from kclassify.writers.compare import Standing, inverse, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Table, Update

    from kclassify.core.item import Key
    from kclassify.ports import Write
    from kclassify.writers.extra import ExtraColumns

_KEYS_AT_ONCE = 500


@dataclass(slots=True)
class _Row:
    label: str | None
    extra: Mapping[str, Any]


class Batch:
    """Writes that are compared and set together; `undo` sets the labels from before."""

    def __init__(
        self,
        connection: Connection,
        table: Table,
        key: str,
        current: str,
        extra: ExtraColumns,
        *,
        undo: bool,
    ) -> None:
        self._connection, self._table, self._extra, self._undo = connection, table, extra, undo
        self._key, self._label = table.c[key], table.c[current]
        self._updates: list[dict[str, Any]] = []

    def run(self, writes: Sequence[Write]) -> list[Receipt]:
        """One receipt a write. Raises `WriterError` when the table refuses a label."""
        rows = self._read(write.change.key for write in writes)
        receipts = [self._plan(write, rows.get(write.change.key)) for write in writes]
        if not self._updates or self._update() == len(self._updates):
            return receipts
        return self._without_lost(writes, receipts, rows)

    def _plan(self, write: Write, row: _Row | None) -> Receipt:
        if row is None:
            return Receipt(WriteResult.CONFLICT)
        change = write.change
        expected, wanted = inverse(change) if self._undo else (change.before, change.after)
        found = standing(row.label, expected, wanted, redo=write.redo)
        if found is Standing.ALREADY:
            return Receipt(WriteResult.WRITTEN, write.extra)
        values = (
            self._extra.reverted(row.extra, write.extra, change)
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
            for found in self._connection.execute(locked):
                key, label, *values = tuple[Any, ...](found)
                rows[key] = _Row(label, dict(zip(self._extra.names, values, strict=True)))
        return rows

    def _update(self) -> int:
        try:
            return self._connection.execute(self._statement(), self._updates).rowcount
        except (IntegrityError, DataError) as error:
            labels = sorted({repr(parameters["new_label"]) for parameters in self._updates})
            refused = f"{self._table.fullname} refuses a label among {', '.join(labels)}"
            raise WriterError(f"{refused}: {reason_of(error)}") from None

    def _statement(self) -> Update:
        values: dict[Any, Any] = {self._label: bindparam("new_label")}
        for number, name in enumerate(self._extra.names):
            values[self._table.c[name]] = bindparam(f"new_{number}")
        unchanged = self._as_text(self._label).is_not_distinct_from(bindparam("old_label"))
        return update(self._table).where(self._key == bindparam("at_key"), unchanged).values(values)

    def _without_lost(
        self, writes: Sequence[Write], receipts: Sequence[Receipt], planned: Mapping[Key, _Row]
    ) -> list[Receipt]:
        # A trigger of the table's may keep a row from being written, and says nothing.
        now = self._read(write.change.key for write in writes)
        arrived = {key for key, row in now.items() if row.label == planned[key].label}
        return [
            receipt if write.change.key in arrived else Receipt(WriteResult.CONFLICT)
            for write, receipt in zip(writes, receipts, strict=True)
        ]

    def _as_text(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        # PostgreSQL reads and takes every type as text; SQLite stores whatever it is given.
        return column if self._connection.dialect.name == "sqlite" else cast(column, Text)


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        yield keys[start : start + _KEYS_AT_ONCE]
