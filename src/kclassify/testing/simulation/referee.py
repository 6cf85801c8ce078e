"""Watches a simulation as it goes, and sees what a run's remains do not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from kclassify.core.call_seen import CallSeen
from kclassify.core.decision import Halt
from kclassify.core.finding import Finding, Invariant
from kclassify.core.item import Item
from kclassify.core.passes import Pass
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import PROBE
from kclassify.events import Event, Snoozing, StepEnded
from kclassify.testing.simulation.process import Process
from kclassify.testing.simulation.scenario import Scenario
from kclassify.testing.simulation.timeline import Timeline

_EARLY_S = 1.0
"""A snooze ends in whole seconds."""

_PATIENCE_S = 600.0
"""The first failures may be those of a process that died before it stored them."""


@dataclass(slots=True, eq=False)
class Watched:
    """A process as the referee knows it. `places` are its calls that are not recorded yet."""

    process: Process
    places: dict[int, CallInFlight] = field(default_factory=dict["int", "CallInFlight"])
    is_open: bool = False
    lease_until: float = 0.0
    is_stale: bool = False
    is_halted: bool = False
    owes_canary: bool = False
    canary: int | None = None
    unanswered: int = 0
    asked_s: float = 0.0
    is_out_of_patience: bool = False

    @property
    def name(self) -> str:
        """That of the process."""
        return self.process.name


@dataclass(frozen=True, slots=True)
class CallInFlight:
    """A call, from its start until its verdict is recorded."""

    number: int
    watched: Watched
    item: Item
    seen: int
    began: float

    @property
    def is_probe(self) -> bool:
        """Whether it asks about nothing of the run's."""
        return self.item.key == PROBE.key


@dataclass(slots=True)
class Tally:
    """What is counted in a simulation. `paid_twice` calls at most `may_be_paid_twice`."""

    calls: int = 0
    processes: int = 0
    kills: int = 0
    snoozes: int = 0
    halts: int = 0
    superseded: int = 0
    database_errors: int = 0
    paid_twice: int = 0
    may_be_paid_twice: int = 0


class Referee:
    """Told of every call, lease and event; `findings` are what must not happen."""

    def __init__(self, scenario: Scenario, time: Timeline) -> None:
        self._scenario = scenario
        self._time = time
        self.tally = Tally()
        self.findings: list[Finding] = []
        self.trace: list[tuple[object, ...]] = []
        self.seen: list[CallSeen] = []
        self.said: dict[str, list[Outcome[str]]] = {}
        self.deleted: set[object] = set()
        self._watched: dict[str, Watched] = {}
        self._paid: Counter[str] = Counter()
        self._asleep_until = 0.0
        self._silent_since: float | None = None

    def note(self, what: str, *details: object) -> None:
        """Add to the trace."""
        self.trace.append((round(self._time.now, 6), what, *details))

    def find(self, invariant: Invariant, message: str, evidence: str = "") -> None:
        """Something that must not happen did."""
        if not any(finding.message == message for finding in self.findings):
            self.findings.append(Finding(invariant, message, 1, (evidence,)))

    def begins(self, process: Process) -> None:
        """A process begins to work."""
        self.tally.processes += 1
        self._watched[process.name] = Watched(process)
        self.note("begins", process.name)

    def ends(self, process: Process, how: str) -> None:
        """It is over: what it had in flight may be paid again."""
        watched = self._watched.pop(process.name)
        self.tally.may_be_paid_twice += len(watched.places)
        if watched.is_out_of_patience:
            self._silent_since = None
        self.note("ends", process.name, how, len(watched.places))

    def opened(self, process: Process, opened: Pass) -> None:
        """The process has the lease; whoever had it before does not know yet."""
        watched = self._watched[process.name]
        for other in self._watched.values():
            if other.is_open and other is not watched:
                self._outpace(other)
        watched.is_open = True
        self.prolonged(process)
        watched.owes_canary = opened.breaker.snoozes > 0
        self.note("opened", process.name, opened.number, opened.cursor, opened.breaker.snoozes)

    def _outpace(self, other: Watched) -> None:
        """Another process has the run now. It may, when this one is dead or its lease is over."""
        scenario = self._scenario
        could_beat = not scenario.database_faults and not other.process.is_dead
        if not scenario.skew_s and (could_beat or self._time.now < other.lease_until):
            message = "a worker took the run from another that lives and has its lease"
            self.find(Invariant.ONE_WORKER, message, other.name)
        if not other.is_stale:
            other.is_stale = True
            self.tally.may_be_paid_twice += len(other.places)

    def prolonged(self, process: Process) -> None:
        """The process has its lease for as long as it asked."""
        lease_s = self._scenario.settings.lease_s
        self._watched[process.name].lease_until = self._time.now + lease_s - _EARLY_S

    def closed(self, process: Process) -> None:
        """The process let its lease go."""
        self._watched[process.name].is_open = False

    def heard(self, process: Process, event: Event) -> None:
        """An event of the run."""
        self.note("event", process.name, type(event).__name__)
        if isinstance(event, Snoozing):
            self.snoozed(process, event.seconds)
            watched = self._watched[process.name]
            watched.owes_canary, watched.unanswered = True, 0
        if isinstance(event, StepEnded) and isinstance(event.decision, Halt):
            self._watched[process.name].is_out_of_patience = True

    def snoozed(self, process: Process, seconds: float) -> None:
        """The run is not to call before so many seconds are over."""
        self.tally.snoozes += 1
        self._asleep_until = self._time.now + seconds - _EARLY_S
        watched = self._watched.get(process.name)
        if watched is not None and seconds < watched.asked_s:
            message = "a snooze was shorter than the provider asked of the canary"
            evidence = f"{process.name}: {seconds} s of {watched.asked_s} s"
            self.find(Invariant.OUTAGE_PAUSES, message, evidence)
        self._look_at_patience(process)

    def _look_at_patience(self, process: Process) -> None:
        silent_s = self._time.now - (self._silent_since or self._time.now)
        if silent_s > self._scenario.settings.max_outage_s + _PATIENCE_S:
            message = "an outage went on for longer than a run may wait"
            evidence = f"{process.name}: no answer for {silent_s:.0f} s"
            self.find(Invariant.OUTAGE_PAUSES, message, evidence)

    def call_begins(self, process: Process, item: Item) -> CallInFlight:
        """A request arrives at the provider."""
        watched = self._watched[process.name]
        self.tally.calls += 1
        call = CallInFlight(self.tally.calls, watched, item, len(self.seen), self._time.now)
        self._look_at_start(watched, call)
        watched.places[call.number] = call
        in_flight = sum(len(each.places) for each in self._watched.values())
        self.seen.append(
            CallSeen(
                item.digest,
                answered=False,
                at=self._time.now,
                in_flight=in_flight,
                is_probe=call.is_probe,
                labels=("left", "right"),
            )
        )
        self.note("call", process.name, item.key)
        return call

    def _look_at_start(self, watched: Watched, call: CallInFlight) -> None:
        most = self._scenario.settings.max_concurrency
        if len(watched.places) >= most:
            message = (
                "a call began while others were in flight or not recorded yet, as many as are "
                "allowed"
            )
            self.find(Invariant.NOTHING_PAID_TWICE, message, f"{watched.name}: {most}")
        if watched.is_halted:
            self.find(Invariant.SOME_FAILURES_HALT, "a call began after a halt", watched.name)
        if self._scenario.workers == 1:
            self._look_at_canary(watched, call)

    def _look_at_canary(self, watched: Watched, call: CallInFlight) -> None:
        if watched.canary is not None or (watched.owes_canary and watched.places):
            message = "a canary was not alone"
            self.find(Invariant.OUTAGE_PAUSES, message, watched.name)
        if watched.owes_canary and not call.is_probe:
            message = "the first call after a snooze was no canary"
            self.find(Invariant.OUTAGE_PAUSES, message, watched.name)
        if watched.owes_canary:
            watched.canary = call.number
        if not self._scenario.skew_s and self._time.now < self._asleep_until:
            self.find(Invariant.OUTAGE_PAUSES, "a call began during a snooze", watched.name)

    def call_ends(self, call: CallInFlight, said: Outcome[str] | Halt | None) -> None:
        """It is answered, or cut (None)."""
        watched = call.watched
        if said is None and self._time.now - call.began >= self._scenario.timeout_s:
            said = Outcome(OutcomeKind.TIMED_OUT)
        self.note("answer", watched.name, call.item.key, _kind(said))
        if watched.canary == call.number:
            watched.canary = None
            is_alive = isinstance(said, Outcome) and not said.kind.is_availability
            watched.owes_canary = not is_alive
        if call.is_probe and isinstance(said, Outcome):
            watched.asked_s = said.retry_after_s or 0.0
        self._listen(said)
        if isinstance(said, Halt):
            watched.is_halted = True
            self.seen[call.seen] = replace(self.seen[call.seen], halts=True)
        is_paid = isinstance(said, Outcome) and said.kind.is_paid and not call.is_probe
        if isinstance(said, Outcome):
            self._count_unanswered(watched, said)
            self.said.setdefault(call.item.digest, []).append(said)
        if is_paid:
            self._pay(call)
        else:
            watched.places.pop(call.number, None)

    def _listen(self, said: Outcome[str] | Halt | None) -> None:
        if isinstance(said, Outcome) and said.kind.is_availability:
            self._silent_since = self._silent_since or self._time.now
        elif said is not None:
            self._silent_since = None

    def _count_unanswered(self, watched: Watched, said: Outcome[str]) -> None:
        watched.unanswered = watched.unanswered + 1 if said.kind.is_availability else 0
        settings = self._scenario.settings
        if watched.unanswered > 2 * (settings.observations + settings.max_concurrency):
            message = "calls went on and on without an answer, and without a snooze"
            self.find(Invariant.OUTAGE_PAUSES, message, watched.name)

    def _pay(self, call: CallInFlight) -> None:
        digest = call.item.digest
        self.seen[call.seen] = replace(self.seen[call.seen], answered=True)
        self.tally.paid_twice += self._paid[digest] > 0
        self._paid[digest] += 1
        self.tally.may_be_paid_twice += call.watched.is_stale

    def recorded(self, process: Process, digests: Collection[str]) -> None:
        """These answers are in the ledger: their calls have given up their places."""
        places = self._watched[process.name].places
        for call in list(places.values()):
            if call.item.digest in digests:
                del places[call.number]


def _kind(said: Outcome[str] | Halt | None) -> str:
    return "cut" if said is None else "halt" if isinstance(said, Halt) else said.kind.value
