"""One simulation: the real runner in a world that a seed decides."""

from __future__ import annotations

from collections.abc import Sequence
from traceback import format_exception_only
from typing import cast

import anyio
import anyio.abc

from kclassify.core.finding import Invariant
from kclassify.core.item import Key
from kclassify.testing.memory_facts import verify_memory
from kclassify.testing.simulation.chance import chance, seeded_scheduler
from kclassify.testing.simulation.classifier import TAXONOMY
from kclassify.testing.simulation.ending import look_at_the_end
from kclassify.testing.simulation.ledger import SimulatedLedger
from kclassify.testing.simulation.provider import Provider
from kclassify.testing.simulation.referee import Referee
from kclassify.testing.simulation.report import Report
from kclassify.testing.simulation.scenario import Scenario
from kclassify.testing.simulation.table import SimulatedTable
from kclassify.testing.simulation.timeline import Timeline
from kclassify.testing.simulation.worker import RUN, Goal, Place, Worker

_DELETED = 0.2
_ROWS = 6
PATIENCE_S = 4 * 3600.0
"""So long after the last fault every goal must be reached, in simulated seconds."""


def simulate(seed: int, scenario: Scenario | None = None) -> Report:
    """Run it to the end, and check what it did; the same for the same seed, in any process.

    The seed also decides the scenario when none is given.
    """
    world = World(seed, scenario or Scenario.drawn(seed))
    with seeded_scheduler(seed):
        anyio.run(world.run, backend="trio", backend_options={"clock": world.time.clock})
    return world.report()


class World:
    """All that a simulated run touches, and what became of it."""

    def __init__(self, seed: int, scenario: Scenario) -> None:
        self._seed = seed
        self._scenario = scenario
        self._rng = chance("world", seed)
        self.time = Timeline()
        self.referee = Referee(scenario, self.time)
        self.ledger = SimulatedLedger(self.referee)
        database = self.ledger.database if scenario.shares_database else None
        self.table = SimulatedTable(scenario.items, database, self.referee)
        self._crash: str | None = None

    async def run(self) -> None:
        """Reach every goal, or find out that this does not come to an end."""
        with anyio.move_on_after(self._scenario.calm_from + PATIENCE_S) as limit:
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001  # whatever it is, its seed is to be told
                self._crash = _innermost(error)
        if limit.cancelled_caught:
            message = "the run did not come to its end after the faults were over"
            self.referee.find(Invariant.OUTAGE_PAUSES, message)

    async def _work(self) -> None:
        async with anyio.create_task_group() as tasks:
            self.table.on_page = lambda keys: self._tempt(tasks, keys)
            await self._reach_goals(tasks)
            tasks.cancel_scope.cancel()

    async def _reach_goals(self, tasks: anyio.abc.TaskGroup) -> None:
        scenario = self._scenario
        provider = Provider(scenario, self._rng, self.time)
        place = Place(
            scenario, self._rng, self.time, self.referee, self.ledger, self.table, provider, tasks
        )
        slots = [Worker(place, f"worker {n}") for n in range(1, scenario.workers + 1)]
        for mode in scenario.goals:
            goal = Goal(mode)
            async with anyio.create_task_group() as workers:
                for slot in slots:
                    workers.start_soon(slot.reach, goal)

    def _tempt(self, tasks: anyio.abc.TaskGroup, keys: Sequence[Key]) -> None:
        if keys and self._rng.random() < self._scenario.meddling:
            for key in self._rng.sample(keys, min(len(keys), self._rng.randint(1, _ROWS))):
                tasks.start_soon(self._meddle, key)

    async def _meddle(self, key: Key) -> None:
        """Relabel or delete a row, as other programs do, soon after the run has read it."""
        rng = self._rng
        await anyio.sleep(rng.choice([0.0, 0.1, 1.0, 5.0]))
        if self.time.now < self._scenario.calm_from and key in self.table.labels:
            if rng.random() < _DELETED:
                self.table.labels.pop(key)
            else:
                self.table.labels[key] = rng.choice(["old", "left", "right"])
            self.referee.note("meddled", key)

    def report(self) -> Report:
        """What was found and counted."""
        self.table.on_page = lambda _: None
        referee = self.referee
        look_at_the_end(self._scenario, self.ledger, self.table, referee)
        # Then it pays until its next heartbeat, and only the referee knows how much.
        may_be_outpaced = self._scenario.workers > 1 and self._scenario.skew_s > 0
        verification = verify_memory(
            self.ledger,
            RUN,
            self.table,
            taxonomy=TAXONOMY,
            calls=None if may_be_outpaced else referee.seen,
            alone=not self._scenario.meddling,
            max_attempts=self._scenario.settings.max_attempts,
        )
        return Report(
            seed=self._seed,
            findings=tuple(referee.findings) + verification.findings,
            tally=referee.tally,
            outages=len(self._scenario.outages),
            items=len(self._scenario.items),
            simulated_s=self.time.now,
            crash=self._crash,
            trace=referee.trace,
        )


def _innermost(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return _innermost(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return "".join(format_exception_only(error)).strip()
