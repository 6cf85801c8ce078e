"""What the suites of a source are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kclassify.core.item import Item, Key
from kclassify.ports import Source

MakeSource = Callable[[Sequence[Item]], Source]


class SourceMaterial:
    """Items for a source, and the keys that order them."""

    has_titles = True
    """Whether the source has titles; without them every item's is None."""

    def key(self, number: int) -> Key:
        """The key of that number, in the order of numbers; override it where keys are no texts."""
        return f"k{number:04}"

    def item(
        self, number: int, current: str | None = "convention", body: str = "some text"
    ) -> Item:
        """An item of this source."""
        title = f"title {number}" if self.has_titles else None
        return Item(self.key(number), body, title, current)

    def items(self, count: int) -> list[Item]:
        """So many items, in order."""
        return [self.item(number) for number in range(count)]
