"""A worker thread for synchronous work: database calls, one at a time, in the order asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import anyio
import anyio.to_thread

P = ParamSpec("P")
R = TypeVar("R")
_WAITING_AT_ONCE = 1000


class Worker(Protocol):
    """Calls synchronous functions, one at a time, in the order asked for."""

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns."""
        ...


class WorkerThread:
    """Calls functions in one thread of its own, always the same.

    A call that was begun is never abandoned: where the task that asked for it is cancelled all the
    same, as `asyncio.wait_for` does, the next call still comes after it.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns."""
        call = partial(copy_context().run, partial(function, *args, **kwargs))
        result = self._executor.submit(call).result
        limiter = anyio.CapacityLimiter(_WAITING_AT_ONCE)
        return await anyio.to_thread.run_sync(result, limiter=limiter)
