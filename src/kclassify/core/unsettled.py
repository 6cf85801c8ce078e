"""The admitted items that have no outcome yet, by what they wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from kclassify.core.availability import Suspect
from kclassify.core.item import Item
from kclassify.core.window import Entry, Phase


class Unsettled:
    """Items that are fresh, in order; that wait for another try; or whose calls are in flight.

    `flying` and `waiting` are by the number of the entry.
    """

    def __init__(self) -> None:
        self.fresh: deque[Entry] = deque()
        self.waiting: dict[int, Entry] = {}
        self.flying: dict[int, Entry] = {}
        self._failed: dict[int, Entry] = {}
        self._started = 0

    def __iter__(self) -> Iterator[Entry]:
        yield from (*self.waiting.values(), *self.flying.values(), *self.fresh)

    @property
    def suspects(self) -> list[Suspect]:
        """The items whose availability failures a later step must know of."""
        return [suspect for entry in self if (suspect := entry.suspect)]

    def due(self, now: float) -> Entry | None:
        """An item whose wait is over, once another call was answered."""
        ready = (e for e in self.waiting.values() if e.retriable and e.retry_at <= now)
        return next(ready, None)

    def fresh_but(self, number: int | None) -> Iterator[Item]:
        """The items that are fresh, in order, without this one."""
        return (entry.item for entry in self.fresh if entry.number != number)

    @property
    def due_at(self) -> float | None:
        """When the first of the waiting is due; None when none is without another answer."""
        return min((e.retry_at for e in self.waiting.values() if e.retriable), default=None)

    def fly(self, number: int) -> None:
        """A call starts for this item: one that waits, or else the first that is fresh."""
        entry = self.waiting.pop(number, None) or self.fresh.popleft()
        self.flying[number] = entry
        self._started += 1
        entry.phase, entry.started = Phase.IN_FLIGHT, self._started

    def wait(self, entry: Entry, until: float) -> None:
        """This item is not tried again before then."""
        entry.phase, entry.retry_at = Phase.WAITING, until
        self.waiting[entry.number] = entry
        self._failed[entry.number] = entry

    def see_answer(self) -> list[Entry]:
        """An item was answered, so others may be tried again; those whose last failure is open.

        It costs as much as there are failures that no answer has followed, however many fly.
        """
        self._failed = {n: entry for n, entry in self._failed.items() if entry.is_open}
        tried = [e for n, e in self._failed.items() if n in self.waiting or n in self.flying]
        for entry in tried:
            entry.retriable = True
        return [entry for entry in tried if entry.undecided]

    def put_back(self, entry: Entry | None) -> None:
        """This item, if there is one, is the next to be tried, as if its call had not been."""
        if entry is not None:
            entry.phase = Phase.FRESH
            self.fresh.appendleft(entry)

    def forgive(self) -> None:
        """What failed in an outage is nobody's own: it is fresh, behind what was not tried."""
        for entry in self:
            entry.forgive()
        for entry in self.waiting.values():
            entry.phase = Phase.FRESH
        self.fresh.extend(self.waiting.values())
        self.waiting.clear()

    def hasten(self) -> None:
        """Nobody has to wait any longer."""
        for entry in self.waiting.values():
            entry.retry_at = 0.0
