"""One read of all items: how many there are to ask about, and a random sample of those."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from kclassify.core.figure import Figure
from kclassify.core.item import Item
from kclassify.estimate.distinct import DistinctTexts
from kclassify.paging import pages
from kclassify.ports import Source

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a source holds: items, those without a text, those whose text is answered already.

    `texts` are the different texts that are left to ask about, `sample` some of them.
    """

    items: int
    empty: int
    answered: int
    texts: Figure
    sample: tuple[Item, ...]

    @property
    def copies(self) -> float:
        """How many of the items left have a text that another one has, too."""
        return max(0.0, self.items - self.empty - self.answered - self.texts.value)


def look_at(
    source: Source,
    answered: Callable[[Collection[str]], Collection[str]],
    size: int,
    *,
    tell: Callable[[int], None] = lambda _: None,
    seed: int = 0,
) -> Look:
    """Read a source once. `answered` says which of these item digests have an answer already.

    `tell` hears how many items were read. Raises `SourceError` and `DatabaseError`.
    """
    items = empty = known = 0
    texts = DistinctTexts(size, seed)
    for page in pages(source, _PAGE):
        items += len(page)
        asked = [item for item in page if not item.is_empty]
        empty += len(page) - len(asked)
        there = set(answered([item.digest for item in asked]))
        known += sum(item.digest in there for item in asked)
        for item in asked:
            if item.digest not in there:
                texts.take(item)
        tell(items)
    return Look(items=items, empty=empty, answered=known, texts=texts.count, sample=texts.sample)
