"""A source and a writer over the same rows in memory, for tests without a database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from kclassify.core.item import Item, Key
from kclassify.ports import Survey, UnknownLabel
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
        start = 0
        if after is not None:
            start = next(i for i, item in enumerate(self._items, 1) if item.key == after)
        return [self._now(item) for item in self._items[start : start + limit]]

    def _now(self, item: Item) -> Item:
        return Item(item.key, item.body, item.title, self.labels[item.key])
