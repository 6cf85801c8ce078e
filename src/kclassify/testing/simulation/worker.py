"""What keeps a job going: it starts a process after the other, until the goal is reached."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from random import Random

import anyio
import anyio.abc

from kclassify.core.decision import Decision, Done, Halt, Snooze, Superseded
from kclassify.core.passes import Mode
from kclassify.errors import DatabaseError
from kclassify.runner import ReclassifyRunner
from kclassify.runner.machine import Machine
from kclassify.testing.simulation.classifier import SimulatedClassifier
from kclassify.testing.simulation.clock import SimulatedClock
from kclassify.testing.simulation.inline import Inline
from kclassify.testing.simulation.ledger import SimulatedLedger
from kclassify.testing.simulation.process import Killed, Process, current
from kclassify.testing.simulation.provider import Provider
from kclassify.testing.simulation.referee import Referee
from kclassify.testing.simulation.scenario import Scenario
from kclassify.testing.simulation.table import SimulatedTable
from kclassify.testing.simulation.timeline import Timeline

RUN = "simulated"
_DEADLY = {"open": 2, "page": 4, "record": 16, "checkpoint": 8, "write": 24, "settle_intents": 2}
"""Calls of the database around which a process may die, and how many points to count at most."""


@dataclass(slots=True)
class Goal:
    """A pass to be done."""

    mode: Mode
    is_reached: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What outlives the processes, and what they share."""

    scenario: Scenario
    rng: Random
    time: Timeline
    referee: Referee
    ledger: SimulatedLedger
    table: SimulatedTable
    provider: Provider
    tasks: anyio.abc.TaskGroup


class Worker:
    """A slot of a job system."""

    def __init__(self, place: Place, name: str) -> None:
        self._place = place
        self._name = name
        self._started = self._refused = 0

    async def reach(self, goal: Goal) -> None:
        """Start processes until one of any worker's has got to the end of the pass."""
        while not goal.is_reached:
            process = self._spawn()
            decision = await self._live(process, goal.mode)
            goal.is_reached |= isinstance(decision, Done)
            if not goal.is_reached:
                await anyio.sleep(self._pause(decision))

    def _spawn(self) -> Process:
        place, rng = self._place, self._place.rng
        scenario = place.scenario
        self._started += 1
        process = Process(
            name=f"{self._name}.{self._started}",
            rng=rng,
            time=place.time,
            calm_from=scenario.calm_from,
            skew_s=rng.uniform(-scenario.skew_s, scenario.skew_s),
            database_faults=scenario.database_faults,
        )
        if rng.random() < scenario.kill:
            self._doom(process)
        return process

    def _doom(self, process: Process) -> None:
        """Let it die at any point, around one call of its database, or at any time."""
        rng = self._place.rng
        way = rng.choice(["point", "call", "call", "time"])
        killed_at = self._place.time.now + rng.expovariate(0.1)
        if way == "time" and killed_at < process.calm_from:
            process.kill_at = process.scope.deadline = killed_at
        elif way == "call":
            process.kill_in = rng.choice(list(_DEADLY))
            process.kill_at_point = rng.randint(1, _DEADLY[process.kill_in])
        else:
            process.kill_at_point = round(exp(rng.uniform(0, log(400))))

    async def _live(self, process: Process, mode: Mode) -> Decision | None:
        """What the process came to; None when it died or lost its database."""
        referee = self._place.referee
        referee.begins(process)
        token = current.set(process)
        decision: Decision | None = None
        try:
            with process.scope:
                decision = await self._work(process, mode)
        except* Killed:
            pass
        except* DatabaseError:
            referee.tally.database_errors += 1
        finally:
            current.reset(token)
        referee.tally.kills += process.is_dead
        told = None if process.is_dead else decision
        referee.ends(process, "killed" if process.is_dead else str(decision))
        return told

    async def _work(self, process: Process, mode: Mode) -> Decision:
        place, rng = self._place, self._place.rng
        runner = self._runner(process)
        if rng.random() < place.scenario.stop:
            place.tasks.start_soon(self._stop_later, process, runner)
        override = "a simulation" if mode is Mode.COMMIT else None
        if rng.random() < place.scenario.step:
            budget_s = rng.choice([0.5, 5.0, 30.0])
            decision = await runner.step(mode=mode, budget_s=budget_s, override=override)
            if isinstance(decision, Snooze):
                place.referee.snoozed(process, decision.seconds)
            return decision
        if mode is Mode.DRY_RUN:
            return await runner.dry_run()
        return await runner.commit(override=override)

    def _runner(self, process: Process) -> ReclassifyRunner:
        place = self._place
        return ReclassifyRunner(
            source=place.table,
            classifier=SimulatedClassifier(process, place.provider, place.referee),
            ledger=place.ledger,
            writer=place.table,
            name=RUN,
            settings=place.scenario.settings,
            timeout_s=place.scenario.timeout_s,
            clock=SimulatedClock(process),
            machine=Machine(
                worker=lambda _: Inline(process),
                jitter=place.rng.random,
                holder=lambda: process.name,
            ),
            listeners=[lambda event: place.referee.heard(process, event)],
        )

    async def _stop_later(self, process: Process, runner: ReclassifyRunner) -> None:
        await anyio.sleep(self._place.rng.expovariate(0.1))
        if not process.is_dead and self._place.time.now < self._place.scenario.calm_from:
            runner.stop("the simulation asks for it")

    def _pause(self, decision: Decision | None) -> float:
        """Seconds until the job system or a human starts the next process."""
        rng, tally = self._place.rng, self._place.referee.tally
        if isinstance(decision, Snooze):
            return decision.seconds * rng.choice([0.3, 1.0, 1.1])
        if isinstance(decision, Halt):
            tally.halts += 1
            return rng.uniform(5, 60)
        if isinstance(decision, Superseded):
            tally.superseded += 1
            self._refused += 1
            return rng.uniform(1, self._place.scenario.settings.lease_s) * min(self._refused, 20)
        self._refused = 0
        return rng.choice([0.0, 0.0, 1.0, 20.0])
