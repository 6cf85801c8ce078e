"""A step, and what the job that took it does next: enqueue, snooze, stop or fail.

All that an adapter adds is how its job system does each of the four.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

import anyio
import anyio.to_thread

from kclassify.adapters.job import Job
from kclassify.core.decision import Advance, Decision, Pause
from kclassify.core.follow_up import (
    DATABASE_AGAIN_S,
    EnqueueNext,
    Fail,
    FollowUp,
    SnoozeFor,
    follow_up,
)
from kclassify.errors import DatabaseError, UsageError
from kclassify.ports import OnCommit
from kclassify.runner import ReclassifyRunner

Build = Callable[[Job], AbstractContextManager[ReclassifyRunner]]
"""Opens the runner that a job is for, and closes what it opened."""


async def take_step(build: Build, job: Job, on_commit: OnCommit | None = None) -> FollowUp:
    """Take the step of this job.

    A database that cannot be reached is an outage like any other: it snoozes. What cannot be done
    as asked (`UsageError`: a refused gate, a missing column) fails for good. Anything else is
    raised, for the job system to show.
    """
    try:
        async with _built(build, job) as runner:
            return _following(job, await _step(runner, job, on_commit))
    except DatabaseError as error:
        return SnoozeFor(DATABASE_AGAIN_S, str(error))
    except UsageError as error:
        return Fail(str(error))


def _following(job: Job, decision: Decision) -> FollowUp:
    """A job that is about no shard goes on with the next that is free."""
    is_shards_end = isinstance(decision, Advance) and decision.pause is Pause.SHARD
    if is_shards_end and job.shard is None:
        return EnqueueNext()
    return follow_up(decision)


@asynccontextmanager
async def _built(build: Build, job: Job) -> AsyncGenerator[ReclassifyRunner]:
    """The runner, opened in a thread: the first one imports the provider's library, for seconds."""
    context = build(job)
    runner = await anyio.to_thread.run_sync(context.__enter__)
    try:
        yield runner
    finally:
        context.__exit__(None, None, None)


async def _step(runner: ReclassifyRunner, job: Job, on_commit: OnCommit | None) -> Decision:
    try:
        return await runner.step(
            mode=job.mode,
            shard=job.shard,
            number=job.number,
            job=job.arguments(),
            budget_s=job.budget_s,
            override=job.override,
            on_commit=on_commit,
        )
    finally:
        with anyio.CancelScope(shield=True):
            await runner.classifier.aclose()


def run_step(build: Build, job: Job, on_commit: OnCommit | None = None) -> FollowUp:
    """`take_step`, for workers that are not async."""
    return anyio.run(take_step, build, job, on_commit)
