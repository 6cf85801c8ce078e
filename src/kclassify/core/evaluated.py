"""Whether a change is one that was evaluated: the same text, the same labels, as a dry run had it.

People label a random sample of the changes that a finished dry run proposes. What they find holds
for those changes and for no others, so no other is written by the record that they made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kclassify.core.item import Key
from kclassify.core.passes import Settled
from kclassify.core.policy import Action, Change


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a dry run settled of an item: its digest, its label, and what was said of it."""

    digest: str
    current: str | None
    label: str | None
    confidence: float | None


def changes(settled: Sequence[Settled]) -> list[Key]:
    """The keys of the items that are to be written."""
    return [item.item_key for item in settled if isinstance(item.action, Change)]


def only_evaluated(settled: Sequence[Settled], held: Mapping[Key, Evaluated]) -> list[Settled]:
    """The same items; a change that the dry run did not settle just so is left unwritten."""
    return [_kept(item, held) for item in settled]


def _kept(item: Settled, held: Mapping[Key, Evaluated]) -> Settled:
    change = item.action
    if not isinstance(change, Change):
        return item
    now = Evaluated(item.item_digest, change.before, change.after, change.confidence)
    return item if held.get(item.item_key) == now else replace(item, action=Action.UNCERTIFIED)
