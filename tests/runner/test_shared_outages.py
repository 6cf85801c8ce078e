"""Workers of one run share the outage. The other worker is played by what the ledger holds."""

from __future__ import annotations

import threading

import anyio
import anyio.to_thread
import pytest

from kclassify import Advance, Done, Item, Mode, OutcomeKind, Snooze
from kclassify.core.availability import Breaker
from kclassify.core.decision import Pause
from kclassify.events import Checkpointed, Event, Snoozing
from kclassify.testing.scripted import Answer
from kclassify.testing.virtual_clock import VirtualClock
from tests.runner.world import World, failing, rows

DOWN = failing(OutcomeKind.UNAVAILABLE)
SHORT_LEASE_S = 0.03
PATIENT = 60.0


def another_worker_stores(world: World, breaker: Breaker) -> None:
    world.ledger.runs["test"].breaker = breaker


class Beats:
    """Calls a function at each heartbeat, before it asks for the breaker."""

    def __init__(self, world: World) -> None:
        self.count = 0
        self._world = world
        self._real = world.ledger.breaker
        world.ledger.breaker = self._breaker  # type: ignore[method-assign]

    def at_beat(self) -> None:
        """Once the news of the beat before is known to the run."""

    def _breaker(self, run: str) -> Breaker:
        self.count += 1
        self.at_beat()
        return self._real(run)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("fingerprint", ["the same", "another"])
async def test_a_new_pass_within_the_snooze_calls_nothing(mode: Mode, fingerprint: str) -> None:
    world = World(script=lambda _: DOWN)
    first = await world.runner(snooze_seconds=60).step(mode=Mode.COMMIT, override="test")
    assert isinstance(first, Snooze)
    asked = len(world.asked)
    world.clock.advance(10)
    if fingerprint == "another":
        world.classifier.version = "2"
    override = "test" if mode is Mode.COMMIT else None
    second = await world.runner().step(mode=mode, override=override)
    assert isinstance(second, Snooze)
    assert second.seconds == first.seconds - 10
    assert len(world.asked) == asked


async def test_a_commit_waits_through_the_snooze_of_a_dry_run() -> None:
    world = World(script=lambda _: DOWN)
    first = await world.runner(snooze_seconds=60).step()
    assert isinstance(first, Snooze)
    world.clock.advance(10)
    world.script = lambda _: "left"
    assert await world.runner().commit(override="test") == Done()
    assert [event.seconds for event in world.told(Snoozing)] == [first.seconds - 10]
    assert world.ledger.breaker("test") == Breaker()


async def test_the_growth_of_the_snooze_goes_on_in_the_next_pass() -> None:
    world = World(script=lambda _: DOWN)
    first = await world.runner(snooze_seconds=60).step()
    assert isinstance(first, Snooze)
    world.clock.advance(first.seconds)
    second = await world.runner(snooze_seconds=60).step(mode=Mode.COMMIT, override="test")
    assert isinstance(second, Snooze)
    assert second.seconds >= 1.2 * 60
    assert world.ledger.breaker("test").snoozes == 2


async def test_a_worker_whose_calls_hang_hears_of_an_outage_and_starts_no_more() -> None:
    world = World(items=rows(40))
    world.clock = VirtualClock(idle_s=PATIENT)
    release = threading.Event()
    told = Breaker().tripped(world.clock.now(), 60)
    beats = Beats(world)

    def play_the_other() -> None:
        if beats.count == 1:
            another_worker_stores(world, told)
        if beats.count == 2:
            release.set()

    async def script(_: Item) -> Answer:
        await anyio.to_thread.run_sync(release.wait)
        return "left"

    world.script = script
    beats.at_beat = play_the_other  # type: ignore[method-assign]
    decision = await world.runner(lease_s=SHORT_LEASE_S).step()
    assert isinstance(decision, Snooze)
    assert decision.seconds == 60
    asked = len(world.asked)
    assert asked <= 4
    assert world.ledger.breaker("test") == told
    again = await world.runner().step()
    assert isinstance(again, Snooze)
    assert (again.seconds, len(world.asked)) == (60, asked)


async def test_a_worker_that_waits_goes_on_once_another_has_an_answer() -> None:
    world = World(script=lambda _: DOWN)
    world.clock = VirtualClock(idle_s=PATIENT)
    began = world.clock.now()
    beats = Beats(world)

    def play_the_other() -> None:
        if world.told(Snoozing):
            world.script = lambda _: "left"
            another_worker_stores(world, Breaker())

    beats.at_beat = play_the_other  # type: ignore[method-assign]
    assert await world.runner(lease_s=SHORT_LEASE_S).dry_run() == Done()
    assert world.clock.now() == began
    assert world.asked.count("probe") == 1


async def test_a_worker_that_waits_waits_as_long_as_another_that_tripped_since() -> None:
    world = World(script=lambda _: DOWN)
    world.clock = VirtualClock(idle_s=PATIENT)
    longer = Breaker(2, world.clock.now() + 600, 600, world.clock.now())
    beats = Beats(world)
    runner = world.runner(lease_s=SHORT_LEASE_S)

    def play_the_other() -> None:
        if len(world.told(Snoozing)) == 2:
            runner.stop()
        elif world.told(Snoozing):
            another_worker_stores(world, longer)

    beats.at_beat = play_the_other  # type: ignore[method-assign]
    assert await runner.dry_run() == Advance(None, Pause.STOPPED)
    first, second = world.told(Snoozing)
    assert first.seconds < second.seconds == 600
    assert "probe" not in world.asked
    assert world.ledger.breaker("test") == longer


async def test_two_that_trip_at_once_count_one_snooze_and_wait_for_the_longer() -> None:
    world = World()
    now = world.clock.now()

    def script(_: Item) -> Answer:
        another_worker_stores(world, Breaker(1, now + 600, 600, now))
        return DOWN

    world.script = script
    decision = await world.runner().step()
    assert isinstance(decision, Snooze)
    assert decision.seconds == 600
    assert world.ledger.breaker("test") == Breaker(1, now + 600, 600, now)


async def test_news_that_a_checkpoint_overtook_is_old() -> None:
    world = World(items=rows(40))
    overtaken, heard = threading.Event(), threading.Event()
    now = world.clock.now()
    longer = Breaker(1, now + 600, 600, now)
    real = world.ledger.breaker

    def breaker(run: str) -> Breaker:
        if not overtaken.is_set():
            overtaken.wait()
            return longer
        heard.set()
        return real(run)

    class Events(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Checkpointed):
                overtaken.set()

    async def script(item: Item) -> Answer:
        if item.key == 20:
            await anyio.to_thread.run_sync(heard.wait)
        return "left"

    world.script, world.events = script, Events()
    world.ledger.breaker = breaker  # type: ignore[method-assign]
    assert await world.runner(lease_s=SHORT_LEASE_S, checkpoint_s=0.1).dry_run() == Done()
    assert world.told(Snoozing) == []
