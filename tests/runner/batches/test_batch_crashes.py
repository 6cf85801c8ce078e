"""Whatever call is the last one of a worker: nothing is lost, nothing is paid twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kclassify import Done, Item, OutcomeKind, RunnerSettings
from kclassify.core.batch import NONCE_CHARS, BatchLimits, BatchRequest
from kclassify.core.decision import Decision
from tests.runner.batches.crashes import Workers, check
from tests.runner.batches.provider import WORST, Said, errored, expired
from tests.runner.batches.world import World

LIMITS = BatchLimits(requests=3, in_flight=2, poll_s=60.0)
FATES: Mapping[str, Said] = {
    "expired": expired(),
    "canceled": errored(OutcomeKind.UNAVAILABLE, "canceled"),
    "overloaded": errored(OutcomeKind.UNAVAILABLE, "529"),
    "invalid": errored(OutcomeKind.INVALID),
}
BACKENDS = ("asyncio", "trio")


def items(count: int) -> list[Item]:
    """Every fourth is a copy of the first, every ninth has no text."""
    bodies = ["" if n % 9 == 0 else "text 1" if n % 4 == 0 else f"text {n}" for n in range(count)]
    return [Item(n, body, current="old") for n, body in enumerate(bodies)]


async def foreign(world: World) -> None:
    """Another application asks the same provider, with the same key: as much, and less."""
    for digits in ("abc", "f"):
        texts = [(digit * 64, f"foreign text {digit}".encode()) for digit in digits]
        requests = [BatchRequest(digest, text, len(text), None) for digest, text in texts]
        await world.provider.create(requests, "f" * NONCE_CHARS)


def run_with_a_death_at(length: int | None, backend: str) -> int:
    world = World(items=items(8), limits=LIMITS)
    workers = Workers(world)

    async def work() -> tuple[Decision, int]:
        await foreign(world)
        return await workers.until_the_end([] if length is None else [length])

    decision, burnt = anyio.run(work, backend=backend)
    assert decision == Done()
    check(world, decision)
    return burnt


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_death_at_any_call_loses_nothing(backend: str) -> None:
    calls = run_with_a_death_at(None, backend)
    assert calls > 100
    first = BACKENDS.index(backend)
    for length in range(first, calls, len(BACKENDS)):
        run_with_a_death_at(length, backend)


@dataclass(frozen=True)
class Course:
    """What happens in a run: deaths, what becomes of some texts at first, and how many rows."""

    deaths: list[int]
    fates: dict[int, tuple[str, int]]
    rows: int
    is_foreign: bool
    budget: int | None


courses = st.builds(
    Course,
    deaths=st.lists(st.integers(0, 120), max_size=4),
    fates=st.dictionaries(
        st.integers(0, 15), st.tuples(st.sampled_from(sorted(FATES)), st.integers(1, 2)), max_size=6
    ),
    rows=st.integers(1, 16),
    is_foreign=st.booleans(),
    budget=st.none() | st.integers(WORST - 1, 12 * WORST),
)


@settings(max_examples=30)
@given(course=courses, backend=st.sampled_from(BACKENDS))
def test_deaths_and_failures_of_any_kind_lose_nothing(course: Course, backend: str) -> None:
    budget = None if course.budget is None else Decimal(course.budget) / 10**9
    world = World(items(course.rows), LIMITS, RunnerSettings(budget_usd=budget))

    def script(text: str, number: int) -> Said:
        index = int(text.rsplit(maxsplit=1)[-1]) if text[-1].isdigit() else -1
        fate, times = course.fates.get(index, ("", 0))
        return FATES[fate] if number <= times else "left"

    world.provider.script = script

    async def work() -> None:
        if course.is_foreign:
            await foreign(world)
        decision, _ = await Workers(world).until_the_end(course.deaths)
        check(world, decision)
        if budget is None:
            assert decision == Done()
        decision, _ = await Workers(world, budget_usd=None).until_the_end([])
        assert decision == Done()
        check(world, decision)

    anyio.run(work, backend=backend)
