"""What becomes of a chain of steps after a decision: pure, for every job system alike."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.core.decision import Advance, Decision, Done, Halt, Pause, Snooze, Superseded

DATABASE_AGAIN_S = 30
"""Seconds until a step is taken again that lost its database: an outage like any other."""


@dataclass(frozen=True, slots=True)
class EnqueueNext:
    """There is more to do: another job for the same step, at once."""


@dataclass(frozen=True, slots=True)
class SnoozeFor:
    """The same step again in so many seconds, 1 at least, and without an attempt spent."""

    seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The chain ends, and nothing is wrong."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fail:
    """The chain ends until a human mends what `reason` says; another try would change nothing."""

    reason: str


FollowUp = EnqueueNext | SnoozeFor | Stop | Fail


def follow_up(decision: Decision) -> FollowUp:
    """What a job that took a step does with the decision."""
    match decision:
        case Advance(pause=Pause.BUDGET | Pause.STOPPED):
            return EnqueueNext()
        case Advance():
            return Stop(str(decision.pause))
        case Snooze():
            return SnoozeFor(max(1, decision.seconds), decision.reason)
        case Halt():
            return Fail(decision.reason)
        case Superseded():
            return Stop(f"superseded by {decision.holder}")
        case Done():
            return Stop("done")
