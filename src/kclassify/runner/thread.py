"""A worker thread for synchronous work: database calls, one at a time, in the order asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import anyio
import anyio.lowlevel

from kclassify.runner.loop import EventLoop

P = ParamSpec("P")
R = TypeVar("R")


class Worker(Protocol):
    """Calls synchronous functions, one at a time, in the order asked for."""

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns."""
        ...


class WorkerThread:
    """Calls functions in one thread of its own, always the same.

    A task that is cancelled already begins no call. One that was begun is never abandoned: where
    the task that asked for it is cancelled all the same, as `asyncio.wait_for` does, the next call
    still comes after it.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        # A future awaited through a thread of anyio's would cost a second thread for each call.
        done, loop = anyio.Event(), EventLoop()
        future = self._executor.submit(copy_context().run, partial(function, *args, **kwargs))
        future.add_done_callback(lambda _: _wake(loop, done))
        with anyio.CancelScope(shield=True):
            await done.wait()
        return future.result()


def _wake(loop: EventLoop, done: anyio.Event) -> None:
    with suppress(RuntimeError):  # a loop that has ended, with whoever asked
        loop.call_soon(done.set)
