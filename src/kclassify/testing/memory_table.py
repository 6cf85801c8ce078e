"""A source and a writer over the same rows in memory, for tests without a database."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence

from kclassify.core.division import Division
from kclassify.core.item import Item, Key
from kclassify.ports import Survey, UnknownLabel
from kclassify.sources.division import division
from kclassify.testing.memory_writer import MemoryWriter


class MemoryTable(MemoryWriter):
    """Rows by key: a `MemoryWriter` that is a source too, and shows what was written."""

    def __init__(self, items: Iterable[Item], database: str | None = None) -> None:
        self._items = sorted(items, key=lambda item: item.key)
        super().__init__({item.key: item.current for item in self._items}, database)

    @property
    def description(self) -> str:
        """What messages call it."""
        return "rows in memory"

    def survey(self, known: Collection[str]) -> Survey:
        """Count the rows and find unknown labels."""
        keys: dict[str, list[Key]] = {}
        for key, label in self.labels.items():
            if label is not None and label not in known:
                keys.setdefault(label, []).append(key)
        unknown = tuple(UnknownLabel(label, len(k), tuple(k[:5])) for label, k in keys.items())
        return Survey(len(self._items), unknown)

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        """The rows after that key, as they are now."""
        return self.part(after, None, limit)

    def part(self, after: Key | None, until: Key | None, limit: int) -> Sequence[Item]:
        """The rows that follow one key and do not follow the other, as they are now."""
        return [self._now(item) for item in self._between(after, until)[:limit]]

    def divide(self, parts: int, after: Key | None = None, until: Key | None = None) -> Division:
        """Where to divide the rows between these keys. Raises `ValueError` for no part."""
        if parts < 1:
            raise ValueError(f"rows are divided into 1 part or more, not {parts}")
        keys = [item.key for item in self._between(after, until)]
        ends = {len(keys) * part // parts for part in range(1, parts + 1)} - {0}
        return division([(keys[end - 1], end) for end in sorted(ends)])

    def _between(self, after: Key | None, until: Key | None) -> list[Item]:
        start = 0 if after is None else self._place_after(after)
        return self._items[start : len(self._items) if until is None else self._place_after(until)]

    def _place_after(self, key: Key) -> int:
        """How many rows do not follow this key."""
        return bisect_right(self._items, key, key=lambda item: item.key)

    def _now(self, item: Item) -> Item:
        return Item(item.key, item.body, item.title, self.labels[item.key])
