"""A rate limit of 50 requests a minute: how much of it the real runner uses, and at what cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import anyio

from kclassify import Item, Outcome, OutcomeKind, RunnerSettings
from kclassify.testing.simulation import Scenario
from kclassify.testing.simulation.chance import chance, seeded_scheduler
from kclassify.testing.simulation.provider import Provider
from kclassify.testing.simulation.timeline import Timeline
from tests.simulation.outage_comparison import Line, runner_of, scenario_of

A_MINUTE = 50.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """`used` is the share of the limit that was answered, `throttled` that of refused calls."""

    calls: int
    used: float
    throttled: float


@dataclass(slots=True)
class CountingLine(Line):
    """A line that counts what comes back."""

    answered: int = 0
    throttled: int = 0

    async def ask(self, item: Item) -> Outcome[str]:
        said = await super(CountingLine, self).ask(item)
        self.throttled += said.kind is OutcomeKind.THROTTLED
        self.answered += said.kind is OutcomeKind.JUDGED
        return said


def throughput(
    hours: float, *, sends_headers: bool = True, sends_retry_after: bool = True, at_once: int = 10
) -> Throughput:
    """What the runner gets out of the limit in so many simulated hours, from the first second."""
    minutes = hours * 60
    items = [Item(key, f"text {key}", current="old") for key in range(int(A_MINUTE * minutes * 2))]
    scenario: Scenario = replace(
        scenario_of(items, (), A_MINUTE),
        sends_headers=sends_headers,
        sends_retry_after=sends_retry_after,
    )
    time = Timeline()
    line = CountingLine(Provider(scenario, chance("provider"), time), time)

    async def run() -> None:
        runner = runner_of(line, items, RunnerSettings(max_concurrency=at_once))
        with anyio.move_on_after(minutes * 60):
            await runner.dry_run()

    with seeded_scheduler(0):
        anyio.run(run, backend="trio", backend_options={"clock": time.clock})
    calls = line.answered + line.throttled
    return Throughput(calls, line.answered / (A_MINUTE * minutes), line.throttled / calls)
