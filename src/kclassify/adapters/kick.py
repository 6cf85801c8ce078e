"""Puts a run in the queue of a job system, and again where its chain of jobs broke."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.core.decision import Decision
from kclassify.database import Database
from kclassify.holder import is_alive
from kclassify.runner import ReclassifyRunner
from kclassify.store.due import DueStep, Search, claim_due, release
from kclassify.store.migrations import migrate

FRESH_S = 60.0


def kick(
    database: Database,
    jobs: JobSystem,
    run: str | None = None,
    *,
    fresh_s: float = FRESH_S,
    now: Callable[[], float] = time.time,
) -> list[Job]:
    """Enqueue every step that is due and that nobody takes; the jobs that were enqueued.

    For a cron: safe to call at any time, also twice at once. `database` is that of the ledger. It
    is about the passes that `start` began, of one run or of all, which are neither done nor halted
    nor waiting for people; a step that somebody works on, that snoozes, or that gave a sign of life
    in the last `fresh_s` seconds is left alone. Raises `EnqueueError` when the job system takes no
    job, and `DatabaseError`; what was not enqueued is found by the next call.
    """
    migrate(database)
    search = Search(now(), fresh_s, is_alive, run)
    with database.begin() as connection:
        steps = claim_due(connection, search)
    return [_enqueue(database, jobs, step, steps[place:]) for place, step in enumerate(steps)]


def _enqueue(database: Database, jobs: JobSystem, step: DueStep, rest: list[DueStep]) -> Job:
    job = Job.of(step.job).at(step.number, step.shard, step.ticket)
    try:
        jobs.enqueue(job)
    except BaseException:
        for each in rest:
            with database.begin() as connection:
                release(connection, each)
        raise
    return job


def start(
    runner: ReclassifyRunner,
    database: Database,
    jobs: JobSystem,
    job: Job,
    *,
    now: Callable[[], float] = time.time,
) -> list[Job] | Decision:
    """Begin a pass, or find the unfinished one, and enqueue a job for each of its shards.

    The jobs that were enqueued; those whose chain goes on already are left alone. A decision says
    why there is nothing to start. Raises what `kick` raises, `UsageError`, and `GateRefused` for a
    commit that may not write.
    """
    begun = anyio.run(_prepare, runner, job)
    return kick(database, jobs, job.run, now=now) if isinstance(begun, int) else begun


async def _prepare(runner: ReclassifyRunner, job: Job) -> int | Decision:
    try:
        return await runner.prepare(mode=job.mode, override=job.override, job=job.arguments())
    finally:
        with anyio.CancelScope(shield=True):
            await runner.classifier.aclose()
