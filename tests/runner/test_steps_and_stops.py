from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import anyio.to_thread
import pytest

from kclassify import (
    Advance,
    Done,
    Item,
    Mode,
    Outcome,
    OutcomeKind,
    ReclassifyRunner,
    RunnerSettings,
    Superseded,
)
from kclassify.core.decision import Decision, Halt, Pause
from kclassify.core.item import Key
from kclassify.core.passes import Pass
from kclassify.errors import DatabaseError
from kclassify.events import Checkpointed, Stopping
from kclassify.testing.scripted import Answer
from tests.runner.world import World, failing, rows


async def test_steps_of_a_budget_chain_to_the_end() -> None:
    world = World(items=rows(40))

    def script(_: Item) -> Answer:
        world.clock.advance(1.0)
        return "left"

    world.script = script
    decisions = [await world.runner().step(budget_s=10)]
    while decisions[-1] != Done():
        assert isinstance(decisions[-1], Advance)
        decisions.append(await world.runner().step(budget_s=10))
    assert 3 <= len(decisions) <= 6
    assert sorted(world.asked) == list(range(1, 41))


async def test_on_commit_is_called_once_a_step_and_only_when_there_is_more() -> None:
    world = World(items=rows(10))
    enqueued: list[Key | None] = []

    def on_commit(_: object, cursor: Key | None) -> None:
        enqueued.append(cursor)

    assert await stopped_at(world, 4).step(on_commit=on_commit) == Advance(4, Pause.STOPPED)
    assert enqueued == [4]
    assert await world.runner().step(on_commit=on_commit) == Done()
    assert enqueued == [4]


def stopped_at(world: World, key: int) -> ReclassifyRunner:
    """A runner that stops once it asks about this row; those that were asked before are settled."""
    runner = world.runner()

    def script(item: Item) -> Answer:
        if item.key == key:
            runner.stop()
        return "left"

    world.script = script
    return runner


async def test_on_commit_is_not_called_at_max_items_where_somebody_else_goes_on() -> None:
    world = World(items=rows(10))
    enqueued: list[Key | None] = []
    step = world.runner(max_items=4).step(on_commit=lambda _, cursor: enqueued.append(cursor))
    assert await step == Advance(4, Pause.MAX_ITEMS)
    assert enqueued == []


async def test_on_commit_that_raises_rolls_the_checkpoint_back() -> None:
    world = World(items=rows(10))

    def on_commit(_: object, cursor: Key | None) -> None:
        raise RuntimeError("the queue is gone")

    with pytest.raises(RuntimeError, match="queue"):
        await stopped_at(world, 4).step(on_commit=on_commit)
    assert await world.runner().dry_run() == Done()
    assert sorted(world.asked) == list(range(1, 11))


def test_run_step_is_the_synchronous_form() -> None:
    world = World(items=rows(3))
    assert world.runner().run_step(mode=Mode.COMMIT, override="test") == Done()
    assert set(world.table.labels.values()) == {"left"}


async def test_stop_lets_calls_land_and_leaves_a_resumable_run() -> None:
    world = World(items=rows(40))
    runner = world.runner()

    def script(item: Item) -> Answer:
        if item.key == 10:
            runner.stop("SIGTERM received")
        return "left"

    world.script = script
    decision = await runner.dry_run()
    assert isinstance(decision, Advance)
    assert decision.pause is Pause.STOPPED
    assert len(world.asked) <= 10 + 4
    assert world.told(Stopping)[0].reason == "SIGTERM received"
    assert decision.cursor == len(world.asked)
    assert await world.runner().dry_run() == Done()
    assert sorted(world.asked) == list(range(1, 41))


async def test_calls_that_outlast_the_grace_are_cut_and_asked_again() -> None:
    world = World(items=rows(6))
    runner = world.runner()
    hang = True

    async def script(item: Item) -> Answer:
        if item.key == 2 and hang:
            runner.stop()
            await anyio.sleep_forever()
        return "left"

    world.script = script
    decision = await runner.dry_run()
    assert isinstance(decision, Advance)
    assert decision.cursor == 1
    hang = False
    assert await world.runner().dry_run() == Done()
    assert [world.asked.count(key) for key in range(1, 7)] == [1, 2, 1, 1, 1, 1]


async def test_stop_from_another_thread_wakes_a_run_that_waits() -> None:
    world = World(items=rows(4))
    runner = world.runner()

    async def script(item: Item) -> Answer:
        if item.key == 1:
            await anyio.to_thread.run_sync(runner.stop)
        return "left"

    world.script = script
    assert isinstance(await runner.dry_run(), Advance | Done)
    assert world.told(Stopping)


async def test_stop_while_nothing_runs_stops_nothing() -> None:
    world = World(items=rows(4))
    runner = world.runner()
    runner.stop()
    assert await runner.dry_run() == Done()


async def test_stop_ends_a_snooze() -> None:
    world = World(items=rows(8))
    runner = world.runner()
    real_wait = world.clock.wait

    async def wait(signal: object, seconds: float | None) -> None:
        if seconds is not None and seconds > 50:
            runner.stop()
        await real_wait(signal, seconds)  # type: ignore[arg-type]

    world.clock.wait = wait  # type: ignore[method-assign]
    world.script = lambda _: failing(OutcomeKind.UNAVAILABLE)
    decision = await runner.dry_run()
    assert isinstance(decision, Advance)
    assert decision.pause is Pause.STOPPED


async def test_cancellation_goes_through_and_frees_the_lease() -> None:
    world = World(items=rows(10))
    scope = anyio.CancelScope()

    async def script(item: Item) -> Answer:
        if item.key == 8:
            scope.cancel()
            await anyio.sleep_forever()
        return "left"

    world.script = script
    with scope:
        await world.runner().dry_run()
    assert scope.cancelled_caught
    asked = set(world.asked)
    world.script = lambda _: "left"
    assert await world.runner().dry_run() == Done()
    assert asked >= {1, 8}
    assert world.asked.count(1) == 1
    assert world.asked.count(8) == 2


async def test_an_error_of_the_classifiers_own_comes_out_as_it_is() -> None:
    world = World(items=rows(10))

    def script(item: Item) -> Answer:
        if item.key == 5:
            raise ZeroDivisionError("a bug in the classifier")
        return "left"

    world.script = script
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await world.runner().dry_run()
    world.script = lambda _: "left"
    assert await world.runner().dry_run() == Done()


async def test_the_ledger_keeps_why_a_run_broke_off_without_the_text_of_an_item() -> None:
    world = World(items=rows(3))
    ended: list[object] = []
    real = world.ledger.close_step

    def close_step(opened: Pass, decision: Decision, now: float) -> None:
        ended.append(decision)
        real(opened, decision, now)

    def script(_: Item) -> Answer:
        raise ValueError("a message that quotes the item")

    world.ledger.close_step = close_step  # type: ignore[method-assign]
    world.script = script
    with pytest.raises(ValueError, match="quotes"):
        await world.runner().dry_run()
    assert ended == [Halt("ValueError")]


async def test_a_ledger_that_fails_in_mid_run_leaves_a_resumable_run() -> None:
    world = World(items=rows(30))
    real = world.ledger.record
    calls = 0

    def record(
        fingerprint: str,
        outcomes: Sequence[tuple[str, Outcome[str]]],
        now: float,
        **metered: Any,
    ) -> dict[str, Outcome[str]]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise DatabaseError("cannot use postgresql://me:***@db/app: connection refused")
        return real(fingerprint, outcomes, now, **metered)

    world.ledger.record = record  # type: ignore[method-assign]
    with pytest.raises(DatabaseError, match="connection refused"):
        await world.runner().commit(override="test")
    assert await world.runner().commit(override="test") == Done()
    assert sum(event.settled for event in world.told(Checkpointed)[-1:]) == 30
    assert len(world.asked) <= 30 + 4 + 4


async def test_the_second_worker_is_superseded_while_the_first_holds_the_lease() -> None:
    world = World(items=rows(10))
    decisions: list[object] = []

    async def script(item: Item) -> Answer:
        if item.key == 1 and not decisions:
            decisions.append(await world.runner().dry_run())
        return "left"

    world.script = script
    assert await world.runner().dry_run() == Done()
    assert isinstance(decisions[0], Superseded)
    assert world.asked.count(1) == 1


async def test_a_worker_that_lost_its_lease_writes_nothing_more() -> None:
    world = World(items=rows(10))
    # It beats in real time: of a shorter lease a beat may come before the second worker does.
    first = world.runner(lease_s=90.0)

    async def script(item: Item) -> Answer:
        if item.key == 1 and len(world.asked) <= 4:
            world.clock.advance(100)
            await world.runner().commit(override="the second")
        return "left"

    world.script = script
    assert isinstance(await first.commit(override="the first"), Superseded)
    assert len(world.table.tried) == 10


def test_a_runner_of_one_call_at_a_time_needs_no_more() -> None:
    world = World(items=rows(5), settings=RunnerSettings(max_concurrency=1))
    assert world.runner().run_step() == Done()
    assert world.classifier.most_in_flight == 1


def test_a_listener_that_raises_does_not_end_the_run(caplog: pytest.LogCaptureFixture) -> None:
    world = World(items=rows(5))
    runner = world.runner()

    def broken(_: object) -> None:
        raise ValueError("listener")

    runner._tell.listeners.insert(0, broken)
    assert runner.run_step() == Done()
    assert "listener" in caplog.text
    assert world.told(Checkpointed)
