"""How far a run has come, gathered from its events: what every display of progress shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kclassify.cli.batch_course import BatchCourse
from kclassify.cli.bill import Bill
from kclassify.core.verdict import OutcomeKind
from kclassify.events import (
    CallEnded,
    Checkpointed,
    ConcurrencyChanged,
    Event,
    PassOpened,
    Snoozing,
    StepEnded,
    StepFailed,
    Stopping,
    TrancheEnded,
    Warned,
)

_ANSWERED = {OutcomeKind.JUDGED.value, OutcomeKind.ABSTAINED.value}
_PAID = {kind.value for kind in OutcomeKind if kind.is_paid}


@dataclass(slots=True)
class Course:
    """The course of one call of the command. Transitions and kinds are those of this call only.

    `began_at` counts the items that were behind the cursor before it, `settled` those behind it
    now. `answered` are the items whose call was answered that may still wait for an earlier one.
    `limit` is how many may be in flight, `throttled` how many calls the provider throttled.
    `snoozing` is the snooze that goes on now, `tranche` the one that waits for people. `bill` is
    what it costs, `batches` those that this command heard of.
    """

    run: str = ""
    mode: str = ""
    model: str = ""
    number: int = 0
    override: str | None = None
    gate: str | None = None
    items: int | None = None
    began_at: int = 0
    settled: int = 0
    answered: int = 0
    calls: int = 0
    throttled: int = 0
    in_flight: int = 0
    limit: int | None = None
    recalled: int = 0
    snoozes: int = 0
    snoozing: Snoozing | None = None
    stopping: Stopping | None = None
    tranche: TrancheEnded | None = None
    transitions: Counter[tuple[str | None, str]] = field(
        default_factory=Counter[tuple[str | None, str]]
    )
    kinds: Counter[str] = field(default_factory=Counter[str])
    actions: Counter[str] = field(default_factory=Counter[str])
    warnings: list[str] = field(default_factory=list[str])
    bill: Bill = field(default_factory=Bill)
    batches: BatchCourse = field(default_factory=BatchCourse)

    def take(self, event: Event) -> None:
        """Go on by one event."""
        self.bill.take(event)
        self.batches.take(event)
        match event:
            case PassOpened():
                self._open(event)
            case CallEnded():
                self._count_call(event)
            case ConcurrencyChanged():
                self.limit = event.limit
            case Checkpointed():
                self._count_items(event)
            case Snoozing():
                self.snoozes, self.snoozing = self.snoozes + 1, event
            case Stopping():
                self.stopping, self.in_flight = event, event.in_flight
            case TrancheEnded():
                self.tranche = event
            case Warned():
                self._warn(event.message)
            case StepEnded() | StepFailed():
                self.snoozing, self.in_flight, self.answered = None, 0, 0
            case _:
                pass

    @property
    def completed(self) -> int:
        """The items that are settled, those that wait for an earlier one included."""
        known = self.settled + self.answered
        return known if self.items is None else max(self.settled, min(known, self.items))

    @property
    def failures(self) -> Counter[str]:
        """The outcomes that are no answer, by kind."""
        return Counter({kind: n for kind, n in self.kinds.items() if kind not in _ANSWERED})

    def _open(self, event: PassOpened) -> None:
        self.run, self.mode, self.model = event.run, event.mode, event.model
        self.number, self.override, self.gate = event.number, event.override, event.gate
        self.items = self.items if event.items is None else event.items
        self.began_at = self.settled = event.settled
        self.answered = 0

    def _warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)

    def _count_call(self, event: CallEnded) -> None:
        self.calls, self.in_flight = self.calls + 1, event.in_flight
        self.throttled += event.kind is OutcomeKind.THROTTLED
        self.snoozing = None
        if event.kind is not None and event.kind.is_paid and not event.probe:
            self.answered += 1

    def _count_items(self, event: Checkpointed) -> None:
        self.settled, self.recalled = event.settled, self.recalled + event.recalled
        self.transitions.update(event.transitions)
        self.kinds.update(event.kinds)
        self.answered = max(0, self.answered - _asked_in(event))


def _asked_in(event: Checkpointed) -> int:
    """At most how many of its items a call was answered for; `recalled` may hold others, too."""
    paid = sum(n for kind, n in event.kinds.items() if kind in _PAID)
    others = sum(event.kinds.values()) - paid
    return paid - min(paid, max(0, event.recalled - others))
