"""Work with something beside it, which ends with it: a heartbeat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

import anyio
import anyio.abc

T = TypeVar("T")


async def accompanied(
    beside: Callable[[], Coroutine[object, object, None]],
    work: Callable[[anyio.abc.TaskGroup], Awaitable[T]],
) -> T:
    """What `work` gives, in the task group that it is handed; what runs `beside` it ends then.

    What it raises is raised as it is, outside the task group.
    """
    done: list[T] = []
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beside)
        try:
            done.append(await work(tasks))
        except Exception as error:  # noqa: BLE001  # raised below, outside the task group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return done[0]
