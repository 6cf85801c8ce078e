"""Where a simulated process does synchronous work: in no thread, so that nothing is left to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
import anyio.lowlevel

from kclassify.testing.simulation.process import Process

P = ParamSpec("P")
R = TypeVar("R")
SLOW = 0.15
_SLOWEST_S = 0.2


class Inline:
    """One call at a time, in the order asked for. Before and after it other tasks go on.

    A call that was begun is never abandoned. The share `slow` of the waits takes time.
    """

    def __init__(self, process: Process, slow: float = SLOW) -> None:
        self._process = process
        self._slow = slow
        self._lock = anyio.Lock(fast_acquire=True)

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        returned: list[R] = []
        with anyio.CancelScope(shield=True):
            async with self._lock:
                if self._process.rng.random() < self._slow:
                    await self._pass_time()
                returned.append(function(*args, **kwargs))
                await self._pass_time()
        return returned[0]

    async def _pass_time(self) -> None:
        rng = self._process.rng
        if rng.random() < self._slow:
            await anyio.sleep(rng.uniform(0.0, _SLOWEST_S))
        else:
            await anyio.lowlevel.checkpoint()
        self._process.point()
