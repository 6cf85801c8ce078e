"""How a step ended, as the row of its pass or shard tells it."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.core.decision import Advance, Decision, Done, Halt, Snooze, Superseded
from kclassify.core.follow_up import EnqueueNext, SnoozeFor, follow_up
from kclassify.core.states import PassStatus
from kclassify.holder import described
from kclassify.store.text import storable


@dataclass(frozen=True, slots=True)
class Ending:
    """How a step ended: the state of its pass from now on, and when the next step is due.

    Times are Unix seconds.
    """

    status: PassStatus
    told: str
    next_step_at: float | None
    now: float

    @classmethod
    def of(cls, decision: Decision, now: float) -> Ending:
        """The ending by this decision."""
        told = storable(tell(decision))
        following = follow_up(decision)
        if isinstance(following, SnoozeFor):
            return cls(PassStatus.OPEN, told, now + following.seconds, now)
        due = now if isinstance(following, EnqueueNext) else None
        return cls(status_after(decision), told, due, now)


def status_after(decision: Decision) -> PassStatus:
    """The state of a pass whose step ended so."""
    if isinstance(decision, Done):
        return PassStatus.DONE
    return PassStatus.HALTED if isinstance(decision, Halt) else PassStatus.OPEN


def tell(decision: Decision) -> str:
    """The decision for people, in one line."""
    match decision:
        case Advance():
            return f"paused: {decision.pause}"
        case Snooze():
            return f"snoozed for {decision.seconds} s: {decision.reason}"
        case Halt():
            return f"halted: {decision.reason}"
        case Superseded():
            return f"superseded by {described(decision.holder)}"
        case Done():
            return "done"
