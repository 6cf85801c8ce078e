from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHistory
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Replayer, Worker

from kclassify.adapters import own_loop
from kclassify.adapters import temporal as adapter
from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.adapters.temporal import Steps, Taken, TemporalJobs
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.errors import EnqueueError, StepFailed, UsageError
from tests.adapters.temporal_server import SUGGESTED_EVENTS, temporal_address

__all__ = ["temporal_address"]

Slow = Callable[[], Awaitable[FollowUp]]


class Scripted:
    """A `take_step` that answers what it is told to, and notes when."""

    def __init__(self) -> None:
        self.script: list[FollowUp | Slow] = []
        self.jobs: list[Job] = []
        self.begun_at: list[float] = []

    async def __call__(self, build: object, job: Job) -> FollowUp:
        self.begun_at.append(asyncio.get_running_loop().time())
        self.jobs.append(job)
        following = self.script[len(self.jobs) - 1]
        return await following() if callable(following) else following


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Temporal knows no other."""
    return "asyncio"


@pytest.fixture
def job() -> Job:
    """One that no other test has: its name is the workflow's id."""
    return Job(run=f"articles-{uuid.uuid4().hex}")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    scripted = Scripted()
    monkeypatch.setattr(own_loop, "take_step", scripted)
    return scripted


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await Client.connect(temporal_address)


@pytest.fixture
def jobs(temporal_address: str, job: Job) -> TemporalJobs:
    async def connect() -> Client:
        return await Client.connect(temporal_address)

    return TemporalJobs(connect, task_queue=job.run, silence_s=2.0)


async def nowhere() -> Client:
    return await Client.connect("127.0.0.1:1")


async def result(client: Client, jobs: TemporalJobs, job: Job) -> object:
    """What the chain of an enqueued job comes to, with a worker meanwhile."""
    await asyncio.to_thread(jobs.enqueue, job)
    async with jobs.worker(client):
        return await client.get_workflow_handle(job.name).result()


@pytest.mark.parametrize(
    ("following", "taken"),
    [
        (EnqueueNext(), Taken(0, "the next step follows")),
        (SnoozeFor(7, "an outage"), Taken(7, "snoozes for 7 s: an outage")),
        (Stop("done"), Taken(None, "stops: done")),
    ],
)
async def test_the_activity_translates_and_beats(
    following: FollowUp, taken: Taken, steps: Scripted, job: Job
) -> None:
    async def slow() -> FollowUp:
        time.sleep(0.2)  # noqa: ASYNC251  # as a build does that loads a model
        return following

    beats: list[object] = []
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_timeout=timedelta(seconds=0.05))
    environment.on_heartbeat = lambda *_: beats.append(1)
    steps.script = [slow]
    jobs = TemporalJobs(nowhere)
    assert await environment.run(jobs.take, job.arguments()) == taken
    assert len(beats) >= 2
    assert isinstance(jobs, JobSystem)


async def test_the_activity_of_a_halt_raises_its_reason(steps: Scripted, job: Job) -> None:
    steps.script = [Fail("the key is not valid")]
    with pytest.raises(StepFailed, match="the key is not valid"):
        await ActivityEnvironment().run(TemporalJobs(nowhere).take, job.arguments())
    with pytest.raises(UsageError):
        await ActivityEnvironment().run(TemporalJobs(nowhere).take, {"stray": 1})


async def test_an_activity_that_is_cancelled_says_so(steps: Scripted, job: Job) -> None:
    begun = threading.Event()
    cut: list[bool] = []

    async def endless() -> FollowUp:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            cut.append(True)
        return Stop("never")

    steps.script = [endless]
    environment = ActivityEnvironment()
    running = asyncio.create_task(environment.run(TemporalJobs(nowhere).take, job.arguments()))
    await asyncio.to_thread(begun.wait)
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cut == [True]


@pytest.mark.services
async def test_a_workflow_goes_on_snoozes_and_stops(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted
) -> None:
    steps.script = [EnqueueNext(), SnoozeFor(1, "an outage"), Stop("done")]
    assert await result(client, jobs, job) == "stops: done"
    assert steps.jobs == [job] * 3
    second, third = steps.begun_at[1:]
    assert third - second >= 1.0


@pytest.mark.services
async def test_a_halt_fails_the_workflow_and_is_not_tried_again(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted
) -> None:
    steps.script = [Fail("the key is not valid")]
    with pytest.raises(WorkflowFailureError) as raised:
        await result(client, jobs, job)
    assert isinstance(raised.value.cause, ActivityError)
    cause = raised.value.cause.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.message) == ("StepFailed", "the key is not valid")
    assert len(steps.jobs) == 1


@pytest.mark.services
async def test_what_is_raised_by_mistake_is_tried_again(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted
) -> None:
    async def mistake() -> FollowUp:
        raise RuntimeError("planted")

    steps.script = [mistake, Stop("done")]
    assert await result(client, jobs, job) == "stops: done"
    assert len(steps.jobs) == 2


@pytest.mark.services
async def test_a_long_chain_is_continued_as_new_and_replays(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted
) -> None:
    steps.script = [*[EnqueueNext()] * 8, SnoozeFor(1, "an outage"), Stop("done")]
    assert await result(client, jobs, job) == "stops: done"
    assert len(steps.jobs) == 10
    runs = [each async for each in client.list_workflows(f"WorkflowId = '{job.name}'")]
    assert len(runs) >= 2
    histories = [await history(client, each.id, each.run_id) for each in runs]
    assert max(len(each.events) for each in histories) < 2 * SUGGESTED_EVENTS
    for each in histories:
        await Replayer(workflows=[Steps]).replay_workflow(each)


async def history(client: Client, workflow_id: str, run_id: str) -> WorkflowHistory:
    return await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()


@pytest.mark.services
async def test_one_that_runs_is_the_same_and_one_that_has_ended_is_not(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted
) -> None:
    steps.script = [Stop("first"), Stop("second")]
    for _ in range(2):
        await asyncio.to_thread(jobs.enqueue, job)
    assert await result(client, jobs, job) == "stops: first"
    assert await result(client, jobs, job) == "stops: second"


@pytest.mark.services
async def test_a_job_may_wait_before_it_begins(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted
) -> None:
    steps.script = [Stop("done")]
    begun_at = asyncio.get_running_loop().time()
    await asyncio.to_thread(jobs.enqueue, job, 2)
    assert await result(client, jobs, job) == "stops: done"
    assert steps.begun_at[0] - begun_at >= 1.5


@pytest.mark.services
async def test_a_worker_that_is_shut_down_lets_its_step_end(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted
) -> None:
    begun = threading.Event()
    over: list[bool] = []

    async def slow() -> FollowUp:
        begun.set()
        await asyncio.sleep(0.5)
        over.append(True)
        return EnqueueNext()

    steps.script = [slow, Stop("done")]
    await asyncio.to_thread(jobs.enqueue, job)
    async with jobs.worker(client, grace_s=10):
        await asyncio.to_thread(begun.wait)
    assert over == [True]
    described = await client.get_workflow_handle(job.name).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert await result(client, jobs, job) == "stops: done"
    assert len(steps.jobs) == 2


@pytest.mark.services
async def test_a_step_that_falls_silent_is_taken_again(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless() -> FollowUp:
        await asyncio.sleep(3600)
        return Stop("never")

    async def silent(_: timedelta | None) -> None:
        """No heartbeat, as of a worker whose machine is gone."""

    monkeypatch.setattr(adapter, "_beat", silent)
    steps.script = [endless, Stop("done")]
    assert await result(client, jobs, job) == "stops: done"


def test_a_server_that_takes_no_job_is_an_error_of_one_line(job: Job) -> None:
    with pytest.raises(EnqueueError, match=r"Temporal: .*connect") as raised:
        TemporalJobs(nowhere).enqueue(job)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.services
async def test_a_worker_of_ones_own_needs_the_workflow_and_the_activity(
    client: Client, jobs: TemporalJobs, job: Job, steps: Scripted
) -> None:
    steps.script = [Stop("done")]
    await asyncio.to_thread(jobs.enqueue, job)
    own = Worker(client, task_queue=job.run, workflows=[Steps], activities=[jobs.take])
    async with own:
        assert await client.get_workflow_handle(job.name).result() == "stops: done"


def test_without_the_library_the_extra_is_named() -> None:
    code = "import sys; sys.modules['temporalio'] = None; import kclassify.adapters.temporal"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    said = "MissingExtra: Temporal is not installed: pip install 'kclassify[temporal]'"
    assert said in ended.stderr
