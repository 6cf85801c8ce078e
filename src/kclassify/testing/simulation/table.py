"""The table of a simulation: others relabel and delete its rows, and its database may go away."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from kclassify.core.finding import Invariant
from kclassify.core.item import Item, Key
from kclassify.ports import Receipt, Survey, Write
from kclassify.testing.memory_table import MemoryTable
from kclassify.testing.simulation.process import in_process
from kclassify.testing.simulation.referee import Referee

if TYPE_CHECKING:
    from sqlalchemy import Connection

_GONE = object()


class SimulatedTable(MemoryTable):
    """A `MemoryTable` that tells the referee of each write that is no compare-and-set."""

    def __init__(self, items: Sequence[Item], database: str | None, referee: Referee) -> None:
        super().__init__(items, database)
        self._rows = {item.key: item for item in items}
        self._keys: list[Key] = sorted(self._rows)
        self._referee = referee
        self.on_page: Callable[[Sequence[Key]], None] = lambda _: None

    def survey(self, known: Collection[str]) -> Survey:
        """The same, in a process."""
        return in_process("survey", lambda: MemoryTable.survey(self, known))

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        """The rows after that key which are still there, as they are now."""
        return in_process("page", lambda: self._page(after, limit))

    def _page(self, after: Key | None, limit: int) -> list[Item]:
        start = 0 if after is None else bisect_right(self._keys, after)
        there = (key for key in islice(self._keys, start, None) if key in self.labels)
        rows = [self._rows[key] for key in islice(there, limit)]
        found = [replace(row, current=self.labels[row.key]) for row in rows]
        self.on_page([item.key for item in found])
        return found

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        """Write row by row; between any two of them the process may die."""
        return [self._write_in_process(each, connection) for each in writes]

    def _write_in_process(self, write: Write, connection: Connection | None) -> Receipt:
        return in_process("write", lambda: self._write(write, connection))

    def _write(self, write: Write, connection: Connection | None) -> Receipt:
        change = write.change
        held = self.labels.get(change.key, _GONE)
        (receipt,) = MemoryTable.apply(self, [write], connection)
        now = self.labels.get(change.key, _GONE)
        self._referee.note("write", change.key, _named(held), _named(now))
        if held not in (now, change.before):
            message = "a row was written that did not hold the label that was read"
            self._referee.find(Invariant.COMPARE_AND_SET, message, f"row {change.key}")
        return receipt

    def finish(self) -> None:
        """The same, in a process."""
        in_process("finish", lambda: MemoryTable.finish(self))


def _named(label: object) -> object:
    """The label, or a name for none: how an object prints is different in each process."""
    return "gone" if label is _GONE else label
