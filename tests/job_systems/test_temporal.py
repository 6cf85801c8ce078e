from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import ClassVar

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from kclassify.adapters.job import Job
from kclassify.adapters.temporal import TemporalJobs
from tests.adapters.temporal_server import temporal_address
from tests.conftest import REPOSITORY
from tests.job_systems.driver import Case, Driver
from tests.job_systems.matrix import Matrix
from tests.job_systems.results import Record
from tests.job_systems.worker_process import WorkerProcess
from tests.job_systems.world import World

__all__ = ["temporal_address"]

WORKER = str(REPOSITORY / "examples" / "temporal_worker.py")
# As by default: longer than the lease, and than a worker is at its imports.
SILENCE_S = 8.0


class TemporalDriver(Driver):
    """The example's worker, on a task queue of the world's own."""

    has_timeout: ClassVar[bool] = False

    def __init__(self, world: World, address: str) -> None:
        self._world = world
        self._address = address
        self._jobs = TemporalJobs(self._connect, task_queue=world.name, silence_s=SILENCE_S)
        self._id = "not enqueued yet"

    async def _connect(self) -> Client:
        return await Client.connect(self._address)

    def prepare(self) -> None:
        """Nothing: a task queue is there once somebody names it."""

    def clean(self) -> None:
        with suppress(RPCError):  # there is none, or it is over
            asyncio.run(self._terminate())

    async def _terminate(self) -> None:
        await (await self._handle()).terminate("the test is over")

    def start(self, *, grace_s: float = 5.0, timeout_s: float | None = None) -> WorkerProcess:
        return self._world.worker(
            [WORKER, "work"],
            TEMPORAL_ADDRESS=self._address,
            ARTICLES_QUEUE=self._world.name,
            ARTICLES_GRACE_S=f"{grace_s:g}",
        )

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        self._id = job.name
        self._jobs.enqueue(job, after_s)

    def waiting(self) -> int:
        return int(asyncio.run(self._is_running()))

    async def _is_running(self) -> bool:
        described = await (await self._handle()).describe()
        return described.status is WorkflowExecutionStatus.RUNNING

    def delayed(self) -> int:
        kinds = [event.event_type for event in asyncio.run(self._history())]
        started = kinds.count(EventType.EVENT_TYPE_TIMER_STARTED)
        return started - kinds.count(EventType.EVENT_TYPE_TIMER_FIRED)

    def attempts(self) -> int | None:
        begun = [
            event.activity_task_started_event_attributes.attempt
            for event in asyncio.run(self._history())
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
        ]
        return max(begun, default=None)

    async def _history(self) -> list[HistoryEvent]:
        return list((await (await self._handle()).fetch_history()).events)

    async def _handle(self) -> WorkflowHandle[object, object]:
        return (await self._connect()).get_workflow_handle(self._id)


class TestTemporal(Matrix):
    system = "Temporal"

    @pytest.fixture
    def driver(self, world: World, temporal_address: str) -> Iterator[Driver]:
        driver = TemporalDriver(world, temporal_address)
        driver.prepare()
        yield driver
        driver.clean()

    def test_enqueued_twice(self, world: World, driver: Driver, record: Record) -> None:
        """While the workflow runs there is no second one, whether it waits or works."""
        world.latency.mean = 0.3
        job = world.begin(driver, budget_s=2.0)
        driver.enqueue(job)
        worker = driver.start()
        world.wait_until_in_flight()
        driver.enqueue(job)
        self._end(world, driver, record, Case.DUPLICATE)
        assert worker.count("Superseded") == 0
