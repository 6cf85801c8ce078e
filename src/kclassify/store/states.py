"""The states of a pass and of a change, as this room has always named them."""

from __future__ import annotations

from kclassify.core.states import (
    RESUMABLE,
    REVERTIBLE,
    UNDONE,
    UNWRITTEN,
    ChangeStatus,
    PassStatus,
)

__all__ = ["RESUMABLE", "REVERTIBLE", "UNDONE", "UNWRITTEN", "ChangeStatus", "PassStatus"]
