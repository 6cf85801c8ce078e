"""The exit statuses, and which of them a decision has."""

from __future__ import annotations

from kclassify.core.decision import Advance, Decision, Done, Halt, Pause

FINISHED = 0
FAILED = 1
USAGE = 2
DEFECT = 70
UNFINISHED = 75
INTERRUPTED = 130


def exit_status(decision: Decision) -> int:
    """0 when all that was asked for is done, 1 when it cannot go on, 75 when it can be resumed."""
    match decision:
        case Done() | Advance(pause=Pause.MAX_ITEMS):
            return FINISHED
        case Halt():
            return FAILED
        case _:
            return UNFINISHED
