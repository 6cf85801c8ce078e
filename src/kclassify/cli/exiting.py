"""Which exit status a decision or an evaluation has."""

from __future__ import annotations

from kclassify.cli.exit_status import FAILED, FINISHED, INCONCLUSIVE, STALE, UNFINISHED
from kclassify.core.decision import Advance, Decision, Done, Halt, Pause
from kclassify.core.gate import GateRecord, GateVerdict


def exit_status(decision: Decision) -> int:
    """0 when all that was asked for is done, 1 when it cannot go on, 75 when it can be resumed."""
    match decision:
        case Done() | Advance(pause=Pause.MAX_ITEMS):
            return FINISHED
        case Halt():
            return FAILED
        case _:
            return UNFINISHED


def record_status(record: GateRecord) -> int:
    """0 for a pass, 1 for a fail, 3 when it is open, 4 when its sample is of another dry run."""
    match record.verdict:
        case GateVerdict.PASS:
            return FINISHED
        case GateVerdict.FAIL:
            return FAILED
        case GateVerdict.INCONCLUSIVE:
            return STALE if record.is_stale else INCONCLUSIVE
