"""What a look at a source says before the first call."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.core.item import Key


@dataclass(frozen=True, slots=True)
class UnknownLabel:
    """A current label that the taxonomy does not know, how many rows have it, and some of them."""

    label: str
    rows: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """How many items a source holds, and the labels among them that the taxonomy does not know."""

    items: int
    unknown: tuple[UnknownLabel, ...] = ()
