"""The one worker thread in which all database work happens, one call at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseThread:
    """Calls synchronous functions off the event loop, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._one = anyio.CapacityLimiter(1)

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns. Once begun it is never abandoned, not even when cancelled."""
        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._one)
