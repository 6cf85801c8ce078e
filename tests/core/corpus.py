"""Made-up corpora: what each text does to the provider is written on it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from kclassify.core.item import Item
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict, judged


class Nature(StrEnum):
    GOOD = "judged"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID = "invalid"
    REJECTED = "rejected"
    TOO_LONG = "too long"
    EMPTY = "empty"
    POISON = "timed out"


ITEM_FAILURES = (
    Nature.REFUSED,
    Nature.TRUNCATED,
    Nature.INVALID,
    Nature.REJECTED,
    Nature.TOO_LONG,
)


def corpus(rows: Sequence[tuple[Nature, int]]) -> list[Item]:
    """One item a row; rows with the same nature and number have the same text."""
    return [
        Item(key=key, body="  " if nature is Nature.EMPTY else f"{nature}/{number}", current="old")
        for key, (nature, number) in enumerate(rows, start=1)
    ]


def distinct(*natures: Nature) -> list[Item]:
    return corpus([(nature, number) for number, nature in enumerate(natures)])


def nature_of(item: Item) -> Nature:
    return Nature(item.body.partition("/")[0]) if item.body.strip() else Nature.EMPTY


def outcome_of(nature: Nature) -> Outcome[str]:
    """What a healthy provider makes of such an item."""
    if nature is Nature.GOOD:
        return judged(Verdict("new", 0.9, "model"))
    return Outcome(OutcomeKind(nature.value), detail=f"it is {nature}")


def unavailable(
    kind: OutcomeKind = OutcomeKind.UNAVAILABLE, retry_after_s: float | None = None
) -> Outcome[str]:
    return Outcome(kind, detail="nobody is there", retry_after_s=retry_after_s)
