"""Compare-and-set: what the label that is there now means for a write."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.core.policy import Change


class Standing(Enum):
    """Whether a write may go ahead, was there before, or came too late."""

    READY = "ready"
    ALREADY = "already"
    CONFLICT = "conflict"


def standing(now: str | None, expected: str | None, wanted: str | None, *, redo: bool) -> Standing:
    """Compare the label that is there with the one that was read."""
    if now == expected:
        return Standing.READY
    return Standing.ALREADY if redo and now == wanted else Standing.CONFLICT


def inverse(change: Change) -> tuple[str | None, str | None]:
    """The label to find and the label to put, when the change is undone."""
    return change.after, change.before
