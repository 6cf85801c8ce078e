"""A source and a writer over rows in memory, for tests without a database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from kclassify.core.item import Item, Key
from kclassify.ports import Receipt, Survey, UnknownLabel, Write, WriteResult

if TYPE_CHECKING:
    from sqlalchemy import Connection


class MemoryTable:
    """Rows by key: a source and a writer in one.

    `labels` is what the rows carry now. `applied` holds every write that arrived, in order, also
    those that ended as conflicts. `pages` counts reads.
    """

    def __init__(self, items: Iterable[Item], *, database: str | None = None) -> None:
        self._items = sorted(items, key=lambda item: item.key)
        self.labels: dict[Key, str | None] = {item.key: item.current for item in self._items}
        self.applied: list[Write] = []
        self.pages = 0
        self.finished = 0
        self._database = database

    @property
    def description(self) -> str:
        """What messages call it."""
        return f"{len(self._items)} rows in memory"

    @property
    def database(self) -> str | None:
        """The ledger's identity when a test wants them to share a transaction."""
        return self._database

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
        self.pages += 1
        start = 0
        if after is not None:
            start = next(i for i, item in enumerate(self._items, 1) if item.key == after)
        return [self._now(item) for item in self._items[start : start + limit]]

    def check(self) -> None:
        """Labels can always be written."""

    def apply(
        self,
        writes: Sequence[Write],
        connection: Connection | None,  # noqa: ARG002
    ) -> Sequence[Receipt]:
        """Compare-and-set each row."""
        self.applied.extend(writes)
        return [self._swap(w, w.change.before, w.change.after) for w in writes]

    def revert(
        self,
        writes: Sequence[Write],
        connection: Connection | None,  # noqa: ARG002
    ) -> Sequence[Receipt]:
        """Put the old label back where the new one still stands."""
        return [self._swap(w, w.change.after, w.change.before) for w in writes]

    def finish(self) -> None:
        """Count that a pass was done."""
        self.finished += 1

    def close(self) -> None:
        """Nothing to let go of."""

    def _now(self, item: Item) -> Item:
        return Item(item.key, item.body, item.title, self.labels[item.key])

    def _swap(self, write: Write, old: str | None, new: str | None) -> Receipt:
        there = self.labels.get(write.change.key)
        if there == old or (write.redo and there == new):
            self.labels[write.change.key] = new
            return Receipt(WriteResult.WRITTEN)
        return Receipt(WriteResult.CONFLICT)
