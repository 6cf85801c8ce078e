"""The current labels that the taxonomy does not know, as they are met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kclassify.ports import UnknownLabel

if TYPE_CHECKING:
    from collections.abc import Collection

    from kclassify.core.item import Key

EXAMPLES = 5
LABELS = 100
"""At most so many unknown labels are told: a wrong column would give one for every row."""


class UnknownLabels:
    """Counts the rows of each unknown label and keeps the keys of the first few."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = frozenset(known)
        self._rows: dict[str, int] = {}
        self._keys: dict[str, list[Key]] = {}

    def add(self, label: str | None, key: Key) -> None:
        """Look at one row."""
        if label is None or label in self._known:
            return
        if label not in self._rows and len(self._rows) == LABELS:
            return
        self._rows[label] = self._rows.get(label, 0) + 1
        keys = self._keys.setdefault(label, [])
        if len(keys) < EXAMPLES:
            keys.append(key)

    def found(self) -> tuple[UnknownLabel, ...]:
        """The unknown labels, the most frequent first."""
        ranked = sorted(self._rows, key=lambda label: (-self._rows[label], label))
        return tuple(UnknownLabel(n, self._rows[n], tuple(self._keys[n])) for n in ranked)
