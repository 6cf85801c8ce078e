"""The calls in flight: each has one deadline, and keeps its place until its verdict is recorded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import anyio
import anyio.abc

from kclassify.core.decision import Halt
from kclassify.core.run import Run
from kclassify.core.spending import NOTHING, Charge
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.core.window import Call
from kclassify.errors import DatabaseError
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

    def __init__(
        self, parts: Parts, run: Run, recorder: Recorder, on_news: Callable[[], None]
    ) -> None:
        self._parts = parts
        self._run = run
        self._on_news = on_news
        self._labels = frozenset(parts.classifier.taxonomy.labels)
        self._recorder = recorder
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
            said = await self._judge(call, flight)
            charge = self._charge(call, said, flight)
            outcome = None if isinstance(said, Halt) else said
            recorded = await self._recorder.record(call, outcome, charge)
            counts = said if isinstance(said, Halt) else recorded
        except Exception as error:  # noqa: BLE001  # raised by the step, outside its task group
            self.failure = self.failure or error
        else:
            self._land(call, flight, said, counts)
            self.launch(tasks)
        self._on_news()

    async def _judge(self, call: Call, flight: _Flight) -> Outcome[str] | Halt | None:
        """What the classifier says; None for a call that was cut: it counts for nothing."""
        flight.scope.deadline = anyio.current_time() + self._parts.timeout_s + MARGIN_S
        try:
            with flight.scope:
                said = await self._parts.classifier.judge(call.item)
                if isinstance(said, Halt):
                    return said
                return self._run.budget.bounded(call.item, said.within(self._labels))
        except BaseException:  # the classifier's, or the end of all: the provider may have answered
            with suppress(DatabaseError):
                await self._recorder.record(call, None, self._charge(call, None, flight))
            self._tell_cut(call, flight)
            raise
        seconds = self._parts.clock.now() - flight.began
        if self.is_cut:
            return None
        return self._unseen(call, f"no answer in {seconds:.1f} s")

    def _charge(self, call: Call, said: Outcome[str] | Halt | None, flight: _Flight) -> Charge:
        """What it came to; a call that was given up may be on the bill."""
        seconds = self._parts.clock.now() - flight.began
        if isinstance(said, Halt):
            return replace(said.charge, seconds=seconds) if said.charge else NOTHING
        return Charge.of(self._unseen(call, "") if said is None else said, seconds)

    def _unseen(self, call: Call, detail: str) -> Outcome[str]:
        """An answer that may have been given, and nobody saw."""
        most = self._run.budget.most(call.item)
        cost = None if most is None else 0
        return Outcome(OutcomeKind.TIMED_OUT, detail=detail, cost=cost, uncertain=most)

    def _land(
        self,
        call: Call,
        flight: _Flight,
        said: Outcome[str] | Halt | None,
        counts: Outcome[str] | Halt | None,
    ) -> None:
        """The call is over: it `said` one thing, and what `counts` may have been there before."""
        del self._flights[call]
        if said is None or counts is None:
            self._run.cut(call)
            self._tell_cut(call, flight)
            return
        now = self._parts.clock.now()
        is_another = counts is not said
        if is_another and isinstance(said, Outcome) and isinstance(counts, Outcome):
            counts = replace(counts, rate_limits=said.rate_limits)
        self._run.settle(call, counts, now)
        self._parts.tell(self._ended(call, said, now - flight.began))
        self._tell_limit()

    def _ended(self, call: Call, said: Outcome[str] | Halt, seconds: float) -> CallEnded:
        in_flight, probe = self._run.in_flight, call.number is None
        if isinstance(said, Halt):
            paid = said.charge
            cost = None if paid.unpriced else paid.cost
            return CallEnded(None, seconds, paid.usage, in_flight, probe, cost, paid.uncertain)
        return CallEnded(
            said.kind, seconds, said.usage, in_flight, probe, said.cost, said.uncertain
        )

    def _tell_cut(self, call: Call, flight: _Flight) -> None:
        unseen, seconds = self._unseen(call, ""), self._parts.clock.now() - flight.began
        is_probe = call.number is None
        self._parts.tell(
            CallEnded(
                None,
                seconds,
                Usage(),
                self._run.in_flight,
                is_probe,
                unseen.cost,
                unseen.uncertain,
                cut=True,
            )
        )

    def _tell_limit(self) -> None:
        pace = self._run.pace
        if pace.limit != self._told_limit:
            self._told_limit = pace.limit
            self._parts.tell(ConcurrencyChanged(pace.limit, pace.reason))
