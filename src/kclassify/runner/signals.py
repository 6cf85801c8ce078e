"""SIGINT and SIGTERM: the first stops a run in order, the second cancels it."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.abc

from kclassify.runner.runner import ReclassifyRunner


@asynccontextmanager
async def stop_on_signals(runner: ReclassifyRunner) -> AsyncGenerator[None]:
    """Within it, SIGINT or SIGTERM stops admitting; calls in flight land; the run is resumable.

    A second signal cancels what is still in flight. For the main thread of a program; a worker of a
    job system has signals of its own and calls `runner.stop` instead.
    """
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        await tasks.start(_listen, runner, tasks.cancel_scope)
        try:
            yield
        except Exception as error:  # noqa: BLE001  # raised below, outside the task group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _listen(
    runner: ReclassifyRunner,
    scope: anyio.CancelScope,
    *,
    task_status: anyio.abc.TaskStatus[None],
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        received = 0
        async for number in signals:
            received += 1
            if received > 1:
                scope.cancel()
                return
            runner.stop(f"{signal.Signals(number).name} received")
