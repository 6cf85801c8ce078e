from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Collection, Sequence
from typing import Any

import anyio
import anyio.to_thread
import pytest

from kclassify import (
    Advance,
    CallbackWriter,
    Done,
    Item,
    Outcome,
    OutcomeKind,
    ReclassifyRunner,
    RunnerSettings,
    Verdict,
)
from kclassify.core.passes import Pass
from kclassify.core.survey import Survey
from kclassify.core.verdict import judged
from kclassify.core.write import Write
from kclassify.errors import DatabaseError, GateRefused
from kclassify.events import Checkpointed, Event, Snoozing
from kclassify.runner import stop_on_signals
from kclassify.runner.clock import SystemClock
from kclassify.testing.scripted import Answer
from kclassify.testing.virtual_clock import VirtualClock
from tests.runner.world import World, failing, rows

SHORT_LEASE_S = 0.03


async def test_a_heartbeat_that_finds_no_database_is_tried_again() -> None:
    world = World(items=rows(5))
    beats: list[float] = []
    enough = threading.Event()

    def heartbeat(opened: Pass, now: float, lease_s: float) -> bool:
        beats.append(now)
        if len(beats) >= 3:
            enough.set()
            return True
        raise DatabaseError("cannot use sqlite:///ledger.db: database is locked")

    async def script(_: Item) -> Answer:
        await anyio.to_thread.run_sync(enough.wait)
        return "left"

    world.script = script
    world.ledger.heartbeat = heartbeat  # type: ignore[method-assign]
    assert await world.runner(lease_s=SHORT_LEASE_S).dry_run() == Done()
    assert len(beats) >= 3


async def test_any_other_error_of_a_heartbeat_comes_out_as_it_is() -> None:
    world = World(items=rows(5))

    def heartbeat(opened: Pass, now: float, lease_s: float) -> bool:
        raise ZeroDivisionError("a bug in the ledger")

    async def script(_: Item) -> Answer:
        await anyio.sleep_forever()
        return "left"

    world.script = script
    world.ledger.heartbeat = heartbeat  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await world.runner(lease_s=SHORT_LEASE_S).dry_run()


async def test_an_error_of_a_heartbeat_during_a_snooze_ends_the_snooze() -> None:
    world = World(script=lambda _: failing(OutcomeKind.UNAVAILABLE))
    world.clock = VirtualClock(idle_s=5.0)
    snoozes = threading.Event()

    class Events(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Snoozing):
                snoozes.set()

    def heartbeat(opened: Pass, now: float, lease_s: float) -> bool:
        assert snoozes.wait(10)
        raise ZeroDivisionError("a bug in the ledger")

    world.events = Events()
    world.ledger.heartbeat = heartbeat  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await world.runner(lease_s=SHORT_LEASE_S).dry_run()
    assert world.told(Snoozing)
    assert world.clock.waits == []


async def test_the_lease_is_prolonged_during_the_survey_and_during_a_batch() -> None:
    world = World(items=rows(5))
    beat = threading.Event()
    seen: list[str] = []
    survey, apply = world.table.survey, world.table.apply
    real = world.ledger.heartbeat

    def heartbeat(opened: Pass, now: float, lease_s: float) -> bool:
        beat.set()
        return real(opened, now, lease_s)

    def slow_survey(known: Collection[str]) -> Survey:
        beat.clear()
        seen.append("survey" if beat.wait(5) else "survey without a heartbeat")
        return survey(known)

    def slow_apply(writes: Sequence[Write], connection: None) -> object:
        beat.clear()
        seen.append("apply" if beat.wait(5) else "apply without a heartbeat")
        return apply(writes, connection)

    world.ledger.heartbeat = heartbeat  # type: ignore[method-assign]
    world.table.survey = slow_survey  # type: ignore[method-assign]
    world.table.apply = slow_apply  # type: ignore[assignment, method-assign]
    assert await world.runner(lease_s=SHORT_LEASE_S).commit(override="test") == Done()
    assert seen == ["survey", "apply"]


def test_a_native_cancel_ends_the_write_before_it_lets_the_lease_go() -> None:
    world = World(items=rows(3))
    started, release = threading.Event(), threading.Event()
    running: list[int] = []
    most: list[int] = []

    def write(write: Write) -> None:
        running.append(1)
        most.append(len(running))
        started.set()
        release.wait(10)
        running.pop()

    def runner() -> ReclassifyRunner:
        return ReclassifyRunner(
            source=world.table,
            classifier=world.classifier,
            ledger=world.ledger,
            writer=CallbackWriter(write),
            settings=RunnerSettings(max_concurrency=2),
            clock=world.clock,
        )

    async def cancel_in_mid_write() -> None:
        task = asyncio.create_task(runner().commit(override="first"))
        await asyncio.to_thread(started.wait)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, release.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert running == []
        assert await runner().commit(override="second") == Done()

    asyncio.run(cancel_in_mid_write())
    assert max(most) == 1


async def test_database_work_is_always_done_in_the_same_thread() -> None:
    world = World(items=rows(30))
    threads: set[int] = set()
    page = world.table.page

    def noted(after: object, limit: int) -> Sequence[Item]:
        threads.add(threading.get_ident())
        return page(after, limit)  # type: ignore[arg-type]

    world.table.page = noted  # type: ignore[method-assign]
    runner = world.runner()
    await runner.dry_run()
    await runner.dry_run()
    assert len(threads) == 1


async def test_an_outcome_that_another_worker_recorded_first_is_the_one_that_counts() -> None:
    world = World(items=rows(1))
    other = judged(Verdict("right", 0.95, "scripted"))
    real = world.ledger.record

    def record(
        fingerprint: str,
        outcomes: Sequence[tuple[str, Outcome[str]]],
        now: float,
        **metered: Any,
    ) -> dict[str, Outcome[str]]:
        real(fingerprint, [(digest, other) for digest, _ in outcomes], now)
        return real(fingerprint, outcomes, now, **metered)

    world.ledger.record = record  # type: ignore[method-assign]
    await world.runner().commit(override="test")
    assert world.table.labels == {1: "right"}


async def test_a_ledger_that_is_gone_is_asked_once_and_at_the_end_whatever_is_in_flight() -> None:
    world = World(items=rows(20), settings=RunnerSettings(max_concurrency=20))
    attempts: list[float] = []

    def record(
        fingerprint: str,
        outcomes: Sequence[tuple[str, Outcome[str]]],
        now: float,
        **metered: Any,
    ) -> dict[str, Outcome[str]]:
        attempts.append(now)
        raise DatabaseError("cannot use the ledger")

    world.ledger.record = record  # type: ignore[method-assign]
    with pytest.raises(DatabaseError):
        await world.runner().dry_run()
    assert len(attempts) == 2


async def test_a_label_that_no_active_category_has_is_invalid_whoever_gives_it() -> None:
    world = World(items=rows(2))
    world.script = lambda item: judged(Verdict("old" if item.key == 1 else "new", 0.99, "mine"))
    await world.runner().commit(override="test")
    assert world.table.tried == []
    assert world.told(Checkpointed)[-1].kinds == {"invalid": 2}


@pytest.mark.parametrize("confidence", [float("nan"), -0.1, 1.01, float("inf")])
def test_a_verdict_has_a_confidence_between_zero_and_one(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        Verdict("left", confidence, "mine")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_stop_from_a_signal_handler_ends_a_snooze_at_once(backend: str) -> None:
    world = World(items=rows(8))
    world.script = lambda _: failing(OutcomeKind.UNAVAILABLE)
    world.clock = SystemClock()  # type: ignore[assignment]
    runner = world.runner()
    main = threading.get_ident()
    sender = threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGUSR1))

    def when_asleep(event: Event) -> None:
        if isinstance(event, Snoozing):
            sender.start()

    def stop(number: int, frame: object) -> None:
        runner.stop(signal.Signals(number).name)

    async def stopped() -> object:
        with anyio.fail_after(20):
            return await runner.dry_run()

    runner._tell.listeners.append(when_asleep)
    before = signal.signal(signal.SIGUSR1, stop)
    try:
        assert isinstance(anyio.run(stopped, backend=backend), Advance)
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, before)


async def test_errors_pass_through_stop_on_signals_as_they_are() -> None:
    world = World(items=rows(2))
    runner = world.runner()
    with pytest.raises(GateRefused):
        async with stop_on_signals(runner):
            await runner.commit()


async def test_a_call_slower_than_a_step_has_its_own_deadline() -> None:
    world = World(items=rows(2))

    async def script(_: Item) -> Answer:
        world.clock.advance(25)
        await anyio.sleep(0.05)
        return "left"

    world.script = script
    decisions = [await world.runner().step(budget_s=10)]
    while decisions[-1] != Done() and len(decisions) < 5:
        decisions.append(await world.runner().step(budget_s=10))
    assert decisions[-1] == Done()
    assert all(isinstance(decision, Advance | Done) for decision in decisions)
    assert world.asked.count(1) == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_step_that_is_cancelled_while_it_takes_the_lease_lets_it_go() -> None:
    world = World(items=rows(5))
    asked, go_on, taken = threading.Event(), threading.Event(), threading.Event()
    take = world.ledger.open

    def slow(*args: Any) -> object:
        asked.set()
        go_on.wait(10)
        opened = take(*args)
        taken.set()
        return opened

    world.ledger.open = slow  # type: ignore[method-assign,assignment]  # a database that is slow
    step = asyncio.ensure_future(world.runner().step())
    await anyio.to_thread.run_sync(asked.wait)
    step.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await step
    await anyio.to_thread.run_sync(taken.wait)
    world.ledger.open = take  # type: ignore[method-assign]
    assert await world.runner().dry_run() == Done()
