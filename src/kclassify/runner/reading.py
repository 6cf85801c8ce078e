"""Reads the items of a pass, or of its shard, in pages, with what the ledger recalls of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kclassify.core.item import Item, Key
from kclassify.core.passes import Pass
from kclassify.core.verdict import Outcome
from kclassify.runner.dividing import divisible
from kclassify.runner.opening import refuse_unknown_items
from kclassify.runner.parts import Parts

Page = tuple[Sequence[Item], Mapping[str, Outcome[str]]]


class Reading:
    """Goes on after what was read last, from where the pass was opened."""

    def __init__(self, parts: Parts, opened: Pass) -> None:
        self._parts = parts
        self._shard = opened.shard
        self._read_to: Key | None = opened.start

    async def page(self, limit: int) -> Page:
        """The next `limit` items, fewer at the end. Raises `SourceError` for an unknown label."""
        items, recalled = await self._parts.thread(self._read, limit)
        if items:
            self._read_to = items[-1].key
        return items, recalled

    def _read(self, limit: int) -> Page:
        source, classifier = self._parts.source, self._parts.classifier
        items = list(self._items(limit))
        refuse_unknown_items(items, classifier.taxonomy.known, source.description)
        digests = {item.digest for item in items if not item.is_empty}
        return items, self._parts.ledger.recall(digests, classifier.fingerprint)

    def _items(self, limit: int) -> Sequence[Item]:
        if self._shard is None:
            return self._parts.source.page(self._read_to, limit)
        return divisible(self._parts.source).part(self._read_to, self._shard.until, limit)
