"""A step on an event loop of its own, for job systems that run jobs on one loop with other work."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from anyio.from_thread import start_blocking_portal

from kclassify.adapters.job import Job
from kclassify.adapters.translate import Build, take_step
from kclassify.core.follow_up import FollowUp


async def take_step_apart(build: Build, job: Job) -> FollowUp:
    """`take_step` in a thread: what blocks there, as a build may, holds up nothing here.

    Called from asyncio. Cancelling it cancels the step; it returns once the step has ended and has
    given its lease back.
    """
    closing = ExitStack()
    loop = closing.enter_context(start_blocking_portal())
    try:
        return await asyncio.wrap_future(loop.start_task_soon(take_step, build, job))
    finally:
        await asyncio.to_thread(closing.close)
