"""One batch of writes to a table: read, compare, set."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.exc import DataError, IntegrityError

from kclassify.database import reason_of
from kclassify.errors import WriterError
from kclassify.ports import Receipt, WriteResult
from kclassify.row_sets import packed
from kclassify.writers.compare import Standing, inverse, standing
from kclassify.writers.target import GIVEN, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from kclassify.core.item import Key
    from kclassify.ports import Write

_KEYS_AT_ONCE = 500
# Frozen, and one for all: a run of a million rows makes a million of them.
_CONFLICT = Receipt(WriteResult.CONFLICT, MappingProxyType({}))
_WRITTEN = Receipt(WriteResult.WRITTEN, MappingProxyType({}))


class Batch:
    """Writes that are compared and set together; `undo` sets the labels from before."""

    def __init__(self, connection: Connection, target: Target, *, undo: bool) -> None:
        self._connection, self._target, self._undo = connection, target, undo
        self._extra, self._extra_names = target.extra, target.extra.names
        # What the rows hold, with what is going to be set. Extra columns only where there are any.
        self._labels: dict[Key, str | None] = {}
        self._extras: dict[Key, Mapping[str, Any]] = {}
        # Key, label from before, new label and the values beside it, as in `Target.names`.
        self._updates: list[tuple[Any, ...]] = []

    def run(self, writes: Sequence[Write]) -> list[Receipt]:
        """One receipt a write. Raises `WriterError` when the table refuses a label."""
        self._read(write.change.key for write in writes)
        receipts = [self._plan(write) for write in writes]
        if not self._updates or self._update() == len(self._updates):
            return receipts
        return self._without_lost(writes, receipts)

    def _plan(self, write: Write) -> Receipt:
        change = write.change
        key = change.key
        if key not in self._labels:
            return _CONFLICT
        expected, wanted = inverse(change) if self._undo else (change.before, change.after)
        found = standing(self._labels[key], expected, wanted, redo=write.redo)
        if found is Standing.ALREADY:
            return Receipt(WriteResult.WRITTEN, write.extra)
        if found is Standing.CONFLICT:
            return _CONFLICT
        if self._extra_names:
            return self._plan_extra(write, expected, wanted)
        self._labels[key] = wanted
        self._updates.append((key, expected, wanted))
        return _WRITTEN

    def _plan_extra(self, write: Write, expected: str | None, wanted: str | None) -> Receipt:
        change = write.change
        now = self._extras[change.key]
        values = (
            self._extra.reverted(now, write.extra, change)
            if self._undo
            else self._extra.written(now, change)
        )
        if values is None:
            return _CONFLICT
        self._labels[change.key], self._extras[change.key] = wanted, values
        beside = (values[name] for name in self._extra_names)
        self._updates.append((change.key, expected, wanted, *beside))
        return Receipt(WriteResult.WRITTEN, now)

    def _read(self, keys: Iterable[Key]) -> None:
        for key, label, *values in self._found(keys):
            self._labels[key] = label
            if values:
                self._extras[key] = dict(zip(self._extra_names, values, strict=True))

    def _found(self, keys: Iterable[Key]) -> Iterator[Row[*tuple[Any, ...]]]:
        target = self._target
        for chunk in _chunks(sorted({*filter(target.can_hold, keys)}, key=repr)):
            yield from self._connection.execute(target.locked, target.among(chunk)).all()

    def _update(self) -> int:
        try:
            return self._set()
        except (IntegrityError, DataError) as error:
            labels = sorted({repr(new) for _, _, new, *_ in self._updates})
            refused = f"{self._target.found.table.fullname} refuses a label among"
            raise WriterError(f"{refused} {', '.join(labels)}: {reason_of(error)}") from None

    def _set(self) -> int:
        """How many rows were set. Of two writes to one row the second builds on the first."""
        target, updates = self._target, self._updates
        if target.is_sqlite:
            text, in_order = target.as_sqlite_takes_it
            return self._connection.exec_driver_sql(text, [*map(in_order, updates)]).rowcount
        at_once = target.all_at_once
        if at_once is None or len({key for key, *_ in updates}) < len(updates):
            named = [dict(zip(target.names, each, strict=True)) for each in updates]
            return self._connection.execute(target.one_by_one, named).rowcount
        given = packed(GIVEN, map(_as_json, updates))
        return self._connection.execute(at_once, given).rowcount

    def _without_lost(self, writes: Sequence[Write], receipts: Sequence[Receipt]) -> list[Receipt]:
        # A trigger of the table's may keep a row from being written, and says nothing. Rows that
        # were not there may be by now: their writes are conflicts already.
        now = self._found(write.change.key for write in writes)
        arrived = {key for key, label, *_ in now if label == self._labels.get(key)}
        return [
            receipt if write.change.key in arrived else _CONFLICT
            for write, receipt in zip(writes, receipts, strict=True)
        ]


def _as_json(update: tuple[Any, ...]) -> tuple[Any, ...]:
    key, old, new = update
    return (str(key) if isinstance(key, UUID) else key), old, new


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        yield keys[start : start + _KEYS_AT_ONCE]
