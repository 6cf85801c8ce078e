"""SIGINT and SIGTERM while classifiers are asked: the first stops in order, the second cancels."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import TaskStatus

GRACE_S = 5.0
"""For calls in flight, in seconds, as `[runner] grace_s` unless that is set."""


class Stop:
    """Where it is said, once, that no more is to be asked."""

    def __init__(self) -> None:
        self._reason = ""
        self._said = anyio.Event()

    def say(self, reason: str) -> None:
        """Stop for this reason."""
        self._reason = self._reason or reason
        self._said.set()

    async def wait(self) -> str:
        """The reason, as soon as there is one."""
        await self._said.wait()
        return self._reason


@asynccontextmanager
async def stop_on_signals(tell: Callable[[str], None] | None) -> AsyncGenerator[Stop]:
    """Within it the first SIGINT or SIGTERM says stop, and its name is told.

    Raises `KeyboardInterrupt` at a second one. For the main thread of a program; without anybody to
    `tell` no signal is heeded.
    """
    stop = Stop()
    if tell is None:
        yield stop
        return
    failure: Exception | None = None
    is_cancelled = True
    async with anyio.create_task_group() as tasks:
        await tasks.start(_listen, stop, tell, tasks.cancel_scope)
        try:
            yield stop
        except Exception as error:  # noqa: BLE001 - raised below, outside the task group
            failure = error
        is_cancelled = False
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if is_cancelled:
        raise KeyboardInterrupt


async def _listen(
    stop: Stop,
    tell: Callable[[str], None],
    scope: anyio.CancelScope,
    *,
    task_status: TaskStatus[None],
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        received = 0
        async for number in signals:
            received += 1
            if received > 1:
                scope.cancel()
                return
            name = signal.Signals(number).name
            stop.say(f"stopped ({name} received)")
            with suppress(OSError):  # whoever read what we say may have got the same signal
                tell(name)
