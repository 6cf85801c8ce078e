"""The thread for database calls: what it begins it ends, in order, whoever still waits for it."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest

from kclassify.runner.thread import WorkerThread

pytestmark = pytest.mark.anyio


async def test_a_call_that_was_begun_ends_before_its_cancelled_caller_goes_on() -> None:
    worker, release = WorkerThread("test"), threading.Event()
    done: list[str] = []

    def slow() -> None:
        release.wait(10)
        done.append("slow")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker, slow)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
        release.set()
    assert done == ["slow"]


async def test_a_caller_that_is_cancelled_already_begins_nothing() -> None:
    worker = WorkerThread("test")
    done: list[str] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        await worker(done.append, "begun")
    await worker(done.append, "after")
    assert done == ["after"]


async def test_calls_are_made_in_the_order_asked_for_by_one_thread() -> None:
    worker = WorkerThread("test")
    order: list[int] = []
    threads: set[int] = set()

    def note(number: int) -> None:
        order.append(number)
        threads.add(threading.get_ident())

    async def ask(number: int) -> None:
        await worker(note, number)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(ask, number)
            await anyio.wait_all_tasks_blocked()
    assert order == list(range(20))
    assert len(threads) == 1


async def test_what_a_call_raises_reaches_its_caller_and_the_thread_goes_on() -> None:
    worker = WorkerThread("test")

    def fail() -> None:
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        await worker(fail)
    assert await worker(lambda: 1) == 1


def test_a_call_outlives_a_loop_that_has_ended() -> None:
    worker, release = WorkerThread("test"), threading.Event()
    done: list[str] = []

    def slow() -> None:
        release.wait(10)
        done.append("slow")

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(worker(slow), 0.01)

    async def go_on() -> None:
        await worker(done.append, "next")

    asyncio.run(give_up())
    release.set()
    asyncio.run(go_on())
    assert done == ["slow", "next"]
