"""One batch of writes to a table: read, compare, set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError

from kclassify.database import reason_of
from kclassify.errors import WriterError
from kclassify.ports import Receipt, WriteResult
from kclassify.row_sets import among, packed
from kclassify.writers.compare import Standing, inverse, standing
from kclassify.writers.target import AT_KEY, GIVEN, NEW_LABEL, OLD_LABEL, Target, beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from kclassify.core.item import Key
    from kclassify.ports import Write

_KEYS_AT_ONCE = 500


@dataclass(slots=True)
class _Row:
    label: str | None
    extra: Mapping[str, Any]


class Batch:
    """Writes that are compared and set together; `undo` sets the labels from before."""

    def __init__(self, connection: Connection, target: Target, *, undo: bool) -> None:
        self._connection, self._target, self._undo = connection, target, undo
        self._extra = target.extra
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
        parameters = {beside(number): values[name] for number, name in enumerate(self._extra.names)}
        keys = {AT_KEY: change.key, OLD_LABEL: expected, NEW_LABEL: wanted}
        self._updates.append(keys | parameters)
        receipt = Receipt(WriteResult.WRITTEN, dict(row.extra))
        row.label, row.extra = wanted, values
        return receipt

    def _read(self, keys: Iterable[Key]) -> dict[Key, _Row]:
        target = self._target
        columns = (target.label, *(target.found.table.c[name] for name in self._extra.names))
        query = select(target.key, *map(target.as_text, columns)).order_by(target.key)
        rows: dict[Key, _Row] = {}
        for chunk in _chunks(sorted({*filter(target.can_hold, keys)}, key=repr)):
            locked = query.where(self._is_among(chunk)).with_for_update()
            for found in self._connection.execute(locked).all():
                key, label, *values = tuple[Any, ...](found)
                rows[key] = _Row(label, dict(zip(self._extra.names, values, strict=True)))
        return rows

    def _is_among(self, keys: Sequence[Key]) -> ColumnElement[bool]:
        if self._target.is_sqlite or self._target.key_type is not None:
            return among(self._connection, self._target.key, keys)
        return self._target.key.in_(keys)

    def _update(self) -> int:
        try:
            return self._set()
        except (IntegrityError, DataError) as error:
            labels = sorted({repr(parameters[NEW_LABEL]) for parameters in self._updates})
            refused = f"{self._target.found.table.fullname} refuses a label among"
            raise WriterError(f"{refused} {', '.join(labels)}: {reason_of(error)}") from None

    def _set(self) -> int:
        """How many rows were set. Of two writes to one row the second builds on the first."""
        if self._target.is_sqlite:
            text, names = self._target.as_sqlite_takes_it
            rows = [tuple(each[name] for name in names) for each in self._updates]
            return self._connection.exec_driver_sql(text, rows).rowcount
        at_once = self._target.all_at_once
        if at_once is None or len({each[AT_KEY] for each in self._updates}) < len(self._updates):
            return self._connection.execute(self._target.one_by_one, self._updates).rowcount
        given = [_as_json(each) for each in self._updates]
        return self._connection.execute(at_once, packed(GIVEN, given)).rowcount

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


def _as_json(parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    key, old, new = (parameters[name] for name in GIVEN)
    return (str(key) if isinstance(key, UUID) else key), old, new


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        yield keys[start : start + _KEYS_AT_ONCE]
