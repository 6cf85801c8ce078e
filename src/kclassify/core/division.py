"""Where a source, or a part of one, is divided so that several workers can share it."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.core.item import Key


@dataclass(frozen=True, slots=True)
class Division:
    """Parts of nearly equal size, in the order of the source.

    `bounds` are the last keys of all parts but the last, strictly increasing; `sizes` are the items
    of each part, as they were counted: one more than there are bounds.
    """

    bounds: tuple[Key, ...]
    sizes: tuple[int, ...]
