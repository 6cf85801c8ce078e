"""An outage in the middle of a corpus: kclassify, a loop that retries, and the batch rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import exp

import anyio
from anyio.lowlevel import checkpoint

from kclassify import Item, Outcome, OutcomeKind, ReclassifyRunner, RunnerSettings
from kclassify.core.decision import Done, Halt
from kclassify.core.window import PROBE
from kclassify.events import Event, Snoozing
from kclassify.runner.machine import Machine
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.simulation import Outage, Scenario, SimulatedSettings, Trouble
from kclassify.testing.simulation.chance import chance, seeded_scheduler
from kclassify.testing.simulation.classifier import FINGERPRINT, TAXONOMY
from kclassify.testing.simulation.clock import SimulatedClock
from kclassify.testing.simulation.inline import Inline
from kclassify.testing.simulation.process import Process
from kclassify.testing.simulation.provider import Provider
from kclassify.testing.simulation.referee import Referee
from kclassify.testing.simulation.table import SimulatedTable
from kclassify.testing.simulation.timeline import Timeline

AT_ONCE = 10
TIMEOUT_S = 30.0
OUTAGE_S = 600.0
MEDIAN_S = 1.0
MEAN_S = MEDIAN_S * exp(0.8**2 / 2)


@dataclass(slots=True)
class Line:
    """The way to the provider. Of each call it logs when it began, and whether it was answered."""

    provider: Provider
    time: Timeline
    begun: list[tuple[float, bool, bool]] = field(default_factory=list[tuple[float, bool, bool]])
    answers: Counter[object] = field(default_factory=Counter[object])
    noticed_at: float | None = None

    async def ask(self, item: Item) -> Outcome[str]:
        began, is_answered = self.time.now, False
        try:
            said = await self.provider.answer(item)
            assert not isinstance(said, Halt)
            is_answered = said.kind.is_paid
            self.answers[item.key] += is_answered and item.key != PROBE.key
        finally:
            self.begun.append((began, is_answered, item.key == PROBE.key))
        return said

    async def ask_within(self, item: Item) -> bool:
        """Whether it was answered in time."""
        with anyio.move_on_after(TIMEOUT_S):
            return (await self.ask(item)).kind.is_paid
        return False

    def notice(self) -> None:
        self.noticed_at = self.time.now if self.noticed_at is None else self.noticed_at


@dataclass(frozen=True, slots=True)
class Came:
    """What a contestant came to. Times are in seconds."""

    calls_into_outage: int
    noticed_after_s: float | None
    resumed_after_s: float
    lost: int
    paid_twice: int
    total_s: float


Contestant = Callable[[Line, Sequence[Item]], Awaitable[None]]


async def retrying_loop(line: Line, items: Sequence[Item]) -> None:
    """Ten workers; each item is tried six times, 1, 2, 4, 8 and 16 seconds apart."""
    left = iter(items)

    async def work() -> None:
        for item in left:
            for wait in (1.0, 2.0, 4.0, 8.0, 16.0, None):
                if await line.ask_within(item) or wait is None:
                    break
                await anyio.sleep(wait)

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(work)


async def batch_rule(line: Line, items: Sequence[Item]) -> None:
    """Batches of a hundred, ten calls at once: half of them failed, and it waits a minute.

    Then the batch is done again. Below that the failed items are passed over.
    """
    batches = (items[start : start + 100] for start in range(0, len(items), 100))
    for batch in batches:
        while await _failures(line, batch) >= 0.5 * len(batch):
            line.notice()
            await anyio.sleep(60)


async def _failures(line: Line, batch: Sequence[Item]) -> int:
    failed = 0
    left: Iterator[Item] = iter(batch)

    async def work() -> None:
        nonlocal failed
        for item in left:
            is_answered = await line.ask_within(item)
            failed += not is_answered

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(work)
    return failed


class LineClassifier:
    """The classifier of the real runner."""

    taxonomy = TAXONOMY
    model = "simulated"
    fingerprint = FINGERPRINT

    def __init__(self, line: Line) -> None:
        self._line = line

    async def judge(self, item: Item) -> Outcome[str] | Halt:
        await checkpoint()
        return await self._line.ask(item)

    async def aclose(self) -> None:
        pass


def runner_of(line: Line, items: Sequence[Item], settings: RunnerSettings) -> ReclassifyRunner:
    """The real runner, on simulated time and in memory."""
    rng = chance("runner")
    process = Process("worker", rng, line.time, calm_from=0.0)

    def hear(event: Event) -> None:
        if isinstance(event, Snoozing):
            line.notice()

    return ReclassifyRunner(
        source=SimulatedTable(items, None, Referee(scenario_of(items, ()), line.time)),
        classifier=LineClassifier(line),
        ledger=MemoryLedger(),
        settings=settings,
        timeout_s=TIMEOUT_S,
        clock=SimulatedClock(process),
        machine=Machine(lambda _: Inline(process, slow=0.0), rng.random, lambda: "worker"),
        listeners=[hear],
    )


async def kclassify(line: Line, items: Sequence[Item]) -> None:
    """The real runner, as it is set when nothing is."""
    runner = runner_of(line, items, RunnerSettings(max_concurrency=AT_ONCE))
    assert await runner.dry_run() == Done()
    ledger = runner.ledger
    assert isinstance(ledger, MemoryLedger)
    outcomes = ledger.runs["default"].passes[0].outcomes.values()
    assert sum(one.settled.outcome.kind is OutcomeKind.JUDGED for one in outcomes) == len(items)


def scenario_of(
    items: Sequence[Item], outages: Sequence[Outage], a_minute: float | None = None
) -> Scenario:
    return Scenario(
        items=tuple(items),
        natures={},
        settings=SimulatedSettings(),
        outages=tuple(outages),
        latency_s=MEDIAN_S,
        timeout_s=TIMEOUT_S,
        requests_a_minute=a_minute,
    )


def compare(contestant: Contestant, trouble: Trouble, count: int) -> Came:
    """What an outage of ten minutes in the middle of so many items does to it."""
    items = [Item(key, f"text {key}", current="old") for key in range(count)]
    begins = count / AT_ONCE * MEAN_S / 2
    outage = Outage(begins, begins + OUTAGE_S, trouble)
    time = Timeline()
    provider = Provider(scenario_of(items, [outage]), chance("provider"), time)
    line = Line(provider, time)

    async def run() -> None:
        await contestant(line, items)

    with seeded_scheduler(0):
        anyio.run(run, backend="trio", backend_options={"clock": time.clock})
    return came_to(line, outage, count)


def came_to(line: Line, outage: Outage, count: int) -> Came:
    answered = [began for began, is_answered, is_probe in line.begun if is_answered > is_probe]
    return Came(
        calls_into_outage=sum(outage.covers(began) for began, _, _ in line.begun),
        noticed_after_s=None if line.noticed_at is None else line.noticed_at - outage.begins,
        resumed_after_s=min(began for began in answered if began >= outage.ends) - outage.ends,
        lost=count - sum(times > 0 for times in line.answers.values()),
        paid_twice=sum(times - 1 for times in line.answers.values() if times),
        total_s=line.time.now,
    )
