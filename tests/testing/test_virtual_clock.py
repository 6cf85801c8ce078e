from __future__ import annotations

import time

import anyio
import anyio.lowlevel

from kclassify.testing import VirtualClock


def hold_up(seconds: float) -> None:
    """As a machine does that has no processor free."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


async def test_the_clock_stands_still_while_work_goes_on_slowly() -> None:
    clock, done = VirtualClock(), anyio.Event()

    async def work() -> None:
        for _ in range(20):
            hold_up(0.01)
            await anyio.lowlevel.checkpoint()
        done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await clock.wait(done, 60)
    assert clock.waits == []


async def test_the_clock_jumps_over_a_wait_that_nothing_ends() -> None:
    clock = VirtualClock()
    began = clock.now()
    await clock.wait(anyio.Event(), 60)
    assert (clock.waits, clock.now() - began) == ([60], 60)
