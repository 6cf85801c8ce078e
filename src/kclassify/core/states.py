"""The states of a pass and of a change, as the ledger stores them."""

from __future__ import annotations

from enum import StrEnum


class PassStatus(StrEnum):
    """Where a pass is. `abandoned`: its classifier or source changed, or it was rolled back."""

    OPEN = "open"
    DONE = "done"
    HALTED = "halted"
    ABANDONED = "abandoned"


class ChangeStatus(StrEnum):
    """What became of a change. `intent`: on its way to a writer, fate unknown."""

    INTENT = "intent"
    WRITTEN = "written"
    CONFLICT = "conflict"
    REVERTED = "reverted"
    REVERT_CONFLICT = "revert-conflict"


RESUMABLE = (PassStatus.OPEN, PassStatus.HALTED)
UNDONE = (ChangeStatus.REVERTED, ChangeStatus.REVERT_CONFLICT)
UNWRITTEN = (ChangeStatus.CONFLICT, *UNDONE)
REVERTIBLE = (ChangeStatus.WRITTEN, ChangeStatus.INTENT, ChangeStatus.REVERT_CONFLICT)
