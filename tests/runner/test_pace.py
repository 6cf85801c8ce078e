from __future__ import annotations

from dataclasses import replace

from kclassify import Done, Item, OutcomeKind, RunnerSettings
from kclassify.core.rate_limit import RateLimit
from kclassify.core.verdict import Verdict, judged
from kclassify.events import CallEnded, ConcurrencyChanged, Snoozing
from kclassify.testing.scripted import Answer
from tests.runner.world import World, failing, rows

MANY = RunnerSettings(max_concurrency=8)


async def test_a_run_begins_low_and_tells_each_change_of_its_limit() -> None:
    world = World(items=rows(40), settings=MANY)
    assert await world.runner().dry_run() == Done()
    told = [(event.limit, event.reason) for event in world.told(ConcurrencyChanged)]
    assert told == [
        (5, "the run begins low"),
        (6, "calls are answered"),
        (7, "calls are answered"),
        (8, "calls are answered"),
    ]
    assert world.classifier.most_in_flight <= 8


async def test_a_retry_after_holds_the_whole_run_until_then() -> None:
    world = World(items=rows(40), settings=MANY)
    began, asked_at = world.clock.now(), list[float]()

    def script(_: Item) -> Answer:
        asked_at.append(world.clock.now() - began)
        if len(asked_at) == 1:
            return failing(OutcomeKind.THROTTLED, retry_after_s=9.0)
        return "left"

    world.script = script
    assert await world.runner().dry_run() == Done()
    assert set(asked_at[:5]) == {0.0}
    assert min(asked_at[5:]) >= 9.0
    assert world.told(ConcurrencyChanged)[1:2] == [
        ConcurrencyChanged(2, "the provider throttles"),
    ]
    assert world.told(Snoozing) == []
    assert len(world.told(CallEnded)) == 41


async def test_a_run_keeps_to_the_rate_limit_that_the_replies_tell_of() -> None:
    world = World(items=rows(40), settings=MANY)
    began, asked_at = world.clock.now(), list[float]()

    def script(_: Item) -> Answer:
        asked_at.append(world.clock.now() - began)
        left = max(0.0, 10 - len(asked_at) + asked_at[-1])
        limits = (RateLimit("requests", 60, float(int(left)), 60.0 - left),)
        return replace(judged(Verdict("left", 0.9, "scripted")), rate_limits=limits)

    world.script = script
    assert await world.runner().dry_run() == Done()
    for number, at in enumerate(asked_at, start=1):
        assert number <= 10 + 1 + at, f"call {number} starts at {at:.1f} s"
    assert asked_at[-1] < 40
