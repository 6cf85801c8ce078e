"""Keyset pagination: the walk over all items of a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kclassify.core.item import Item, Key
from kclassify.ports import Source


def pages(source: Source, size: int) -> Iterator[Sequence[Item]]:
    """All items of a source in order, at most `size` at a time, no page empty."""
    after: Key | None = None
    while page := source.page(after, size):
        yield page
        if len(page) < size:
            return
        after = page[-1].key
