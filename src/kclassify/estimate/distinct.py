"""Different texts among items that are read once: how many, and a random sample of them.

Each text has a rank, a keyed hash of its digest, so that copies have the same one and the texts of
the lowest ranks are a random sample, each text as likely as any other. How far the lowest ranks
reach says how many texts there are.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

from kclassify.core.figure import Figure, exactly
from kclassify.core.item import Item, digest_of

_KEPT = 65_536
"""Ranks that are kept: up to so many texts the count is exact, beyond right to about 0.8%."""

_HEX_DIGITS = 16
_RANKS = 16**_HEX_DIGITS
_Z = 1.96


@dataclass(slots=True)
class _Lowest:
    """The `room` lowest of the different ranks that were offered."""

    room: int
    heap: list[int] = field(default_factory=list[int])
    there: set[int] = field(default_factory=set[int])

    def offer(self, rank: int) -> tuple[bool, int | None]:
        """Whether it is among the lowest now, and the one that had to give way."""
        if rank in self.there or (len(self.heap) == self.room and rank >= -self.heap[0]):
            return False, None
        self.there.add(rank)
        if len(self.heap) < self.room:
            heapq.heappush(self.heap, -rank)
            return True, None
        gone = -heapq.heappushpop(self.heap, -rank)
        self.there.remove(gone)
        return True, gone


class DistinctTexts:
    """Takes items one by one; `size` texts of them are the sample. Memory does not grow with them.

    Another `seed` draws others.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        self._seed = str(seed)
        self._kept, self._drawn = _Lowest(max(size, _KEPT)), _Lowest(size)
        self._items: dict[int, Item] = {}
        self._offered = 0
        self._is_full = False

    def take(self, item: Item) -> None:
        """One more item."""
        self._offered += 1
        rank = int(digest_of(self._seed, item.digest)[:_HEX_DIGITS], 16)
        if rank in self._kept.there:
            return
        self._is_full = self._is_full or len(self._kept.heap) == self._kept.room
        self._kept.offer(rank)
        is_drawn, gone = self._drawn.offer(rank)
        if is_drawn:
            self._items[rank] = item
        if gone is not None:
            del self._items[gone]

    @property
    def count(self) -> Figure:
        """How many different texts there are."""
        if not self._is_full:
            return exactly(len(self._kept.heap))
        room = self._kept.room
        found = (room - 1) * _RANKS / -self._kept.heap[0]
        error = _Z / math.sqrt(room - 2)
        return Figure(
            *(max(room, min(self._offered, found * share)) for share in (1, 1 - error, 1 + error))
        )

    @property
    def sample(self) -> tuple[Item, ...]:
        """A random sample, in random order."""
        return tuple(self._items[rank] for rank in sorted(self._items))
