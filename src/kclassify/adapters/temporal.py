"""Temporal: one workflow a chain, which takes steps as activities and sleeps through snoozes.

jobs = TemporalJobs(lambda: Client.connect("temporal.internal:7233"))
async with jobs.worker(await Client.connect("temporal.internal:7233")): ...

`kclassify start --app my_worker:jobs` begins a run, or `kclassify.adapters.kick.start` with `jobs`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from kclassify.errors import EnqueueError, MissingExtra, StepFailed

if find_spec("temporalio") is None:
    raise MissingExtra("Temporal is not installed: pip install 'kclassify[temporal]'")
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy
from temporalio.worker import Worker

# Temporal imports this file anew for each workflow, which needs no second copy of these.
with workflow.unsafe.imports_passed_through():
    from kclassify.adapters.from_config import from_config
    from kclassify.adapters.job import Job
    from kclassify.adapters.own_loop import take_step_apart
    from kclassify.adapters.translate import Build
    from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
    from kclassify.events import logger

SILENCE_S = 75
"""Longer than a lease (60 s): a step that is taken again finds that of the lost worker over."""

_LONGEST_STEP = timedelta(hours=1)
_FOR_GOOD = ["StepFailed", "UsageError"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a step came to: the seconds until the next one, None for no further one, and why."""

    pause_s: int | None
    told: str


@workflow.defn(name="kclassify.steps")
class Steps:
    """The steps of a job, one after the other. Temporal replays it: its code is a contract."""

    @workflow.run
    async def run(self, arguments: dict[str, Any], silence_s: float) -> str:
        """Why there are no further steps."""
        while True:
            taken: Taken = await workflow.execute_activity(
                "kclassify.step",
                arguments,
                result_type=Taken,
                start_to_close_timeout=_LONGEST_STEP,
                heartbeat_timeout=timedelta(seconds=silence_s),
                retry_policy=RetryPolicy(
                    maximum_interval=timedelta(minutes=1), non_retryable_error_types=_FOR_GOOD
                ),
            )
            if taken.pause_s is None:
                return taken.told
            if taken.pause_s:
                await workflow.sleep(taken.pause_s)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(args=[arguments, silence_s])


class TemporalJobs:
    """A `JobSystem` on Temporal: a workflow's arguments hold a `Job`, the ledger all the rest.

    `connect` is how your application connects: with its own address, namespace and keys. The id
    of a workflow is the name of its job: while it runs there is no second one. After `silence_s`
    without a heartbeat a step is taken again, by any worker; let it be longer than the lease.
    """

    name = "temporal"

    def __init__(
        self,
        connect: Callable[[], Awaitable[Client]],
        build: Build = from_config,
        *,
        task_queue: str = "kclassify",
        silence_s: float = SILENCE_S,
    ) -> None:
        self.task_queue = task_queue
        self._connect = connect
        self._build = build
        self._silence_s = silence_s

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """Start the workflow of this job, unless it runs. Raises `EnqueueError`."""
        try:
            asyncio.run(self._start(job, after_s))
        except Exception as error:  # noqa: BLE001  # the client raises errors of every kind
            said = " ".join(str(error).split()) or type(error).__name__
            raise EnqueueError(f"{job.name} is not enqueued: Temporal: {said}") from None

    def worker(self, client: Client, *, grace_s: float = 30.0) -> Worker:
        """A worker that takes steps until it is shut down; those under way get the grace.

        One of your own with other settings needs the workflow `Steps` and the activity `take`.
        """
        return Worker(
            client,
            task_queue=self.task_queue,
            workflows=[Steps],
            activities=[self.take],
            graceful_shutdown_timeout=timedelta(seconds=grace_s),
        )

    @activity.defn(name="kclassify.step")
    async def take(self, arguments: dict[str, Any]) -> Taken:
        """The activity: one step, with heartbeats. Raises `StepFailed` when the run halts."""
        job = Job.of(arguments)
        logger.info("%s: a step begins", job.name)
        beating = asyncio.create_task(_beat(activity.info().heartbeat_timeout))
        try:
            taken = _taken(await take_step_apart(self._build, job))
        except StepFailed as failed:
            logger.error("%s: fails: %s", job.name, failed)
            raise
        finally:
            beating.cancel()
        logger.info("%s: %s", job.name, taken.told)
        return taken

    async def _start(self, job: Job, after_s: int) -> None:
        client = await self._connect()
        await client.start_workflow(
            "kclassify.steps",
            args=[job.arguments(), self._silence_s],
            id=job.name,
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_delay=timedelta(seconds=after_s) if after_s else None,
        )


async def _beat(silence: timedelta | None) -> None:
    """The silence that is allowed is what the job was enqueued with."""
    every_s = (silence or timedelta(seconds=SILENCE_S)).total_seconds() / 5
    while True:
        activity.heartbeat()
        await asyncio.sleep(every_s)


def _taken(following: FollowUp) -> Taken:
    match following:
        case EnqueueNext():
            return Taken(0, "the next step follows")
        case SnoozeFor(seconds, reason):
            return Taken(seconds, f"snoozes for {seconds} s: {reason}")
        case Stop(reason):
            return Taken(None, f"stops: {reason}")
        case Fail(reason):
            raise StepFailed(reason)
