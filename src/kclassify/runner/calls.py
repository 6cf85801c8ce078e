"""The calls in flight: each has one deadline, and keeps its place until its verdict is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import anyio
import anyio.abc

from kclassify.core.decision import Halt
from kclassify.core.run import Run
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.core.window import Call
from kclassify.events import CallEnded, ConcurrencyChanged
from kclassify.runner.parts import Parts
from kclassify.runner.recorder import Recorder

MARGIN_S = 0.25
"""So that a classifier which keeps the same deadline itself is first, and can say what it spent."""


@dataclass(slots=True)
class _Flight:
    began: float
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class Calls:
    """Starts the calls that the run allows, as tasks of the step's task group."""

    def __init__(self, parts: Parts, run: Run, on_news: Callable[[], None]) -> None:
        self._parts = parts
        self._run = run
        self._on_news = on_news
        self._labels = frozenset(parts.classifier.taxonomy.labels)
        self._recorder = Recorder(
            parts.ledger, parts.classifier.fingerprint, parts.thread, parts.clock
        )
        self._flights: dict[Call, _Flight] = {}
        self.failure: Exception | None = None
        self.is_cut = False
        self._told_limit = 0

    def launch(self, tasks: anyio.abc.TaskGroup) -> None:
        """Start what may be started now; a call that lands starts the next itself."""
        for call in self._run.start(self._parts.clock.now()):
            flight = self._flights[call] = _Flight(self._parts.clock.now())
            tasks.start_soon(self._fly, call, flight, tasks)
            self._tell_limit()

    def cut(self) -> None:
        """Cancel what is in flight: the grace is over."""
        self.is_cut = True
        for flight in self._flights.values():
            flight.scope.cancel()

    async def _fly(self, call: Call, flight: _Flight, tasks: anyio.abc.TaskGroup) -> None:
        try:
            outcome = await self._judge(call, flight)
            if isinstance(outcome, Outcome) and outcome.kind.is_paid and call.number is not None:
                recorded = await self._recorder.record(call.item.digest, outcome)
                outcome = replace(recorded, rate_limits=outcome.rate_limits)
        except Exception as error:  # noqa: BLE001  # raised by the step, outside its task group
            self.failure = self.failure or error
        else:
            self._land(call, flight, outcome)
            self.launch(tasks)
        self._on_news()

    async def _judge(self, call: Call, flight: _Flight) -> Outcome[str] | Halt | None:
        """What the classifier says; None for a call that was cut: it counts for nothing."""
        flight.scope.deadline = anyio.current_time() + self._parts.timeout_s + MARGIN_S
        with flight.scope:
            said = await self._parts.classifier.judge(call.item)
            return said.within(self._labels) if isinstance(said, Outcome) else said
        seconds = self._parts.clock.now() - flight.began
        if self.is_cut:
            return None
        return Outcome(OutcomeKind.TIMED_OUT, detail=f"no answer in {seconds:.1f} s")

    def _land(self, call: Call, flight: _Flight, outcome: Outcome[str] | Halt | None) -> None:
        del self._flights[call]
        if outcome is None:
            self._run.cut(call)
            return
        now = self._parts.clock.now()
        self._run.settle(call, outcome, now)
        self._parts.tell(
            CallEnded(
                kind=outcome.kind if isinstance(outcome, Outcome) else None,
                seconds=now - flight.began,
                usage=outcome.usage if isinstance(outcome, Outcome) else Usage(),
                in_flight=self._run.in_flight,
                probe=call.number is None,
            )
        )
        self._tell_limit()

    def _tell_limit(self) -> None:
        pace = self._run.pace
        if pace.limit != self._told_limit:
            self._told_limit = pace.limit
            self._parts.tell(ConcurrencyChanged(pace.limit, pace.reason))
