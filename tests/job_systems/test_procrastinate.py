from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from kclassify.adapters.job import Job
from kclassify.adapters.procrastinate import ProcrastinateJobs
from tests.conftest import REPOSITORY
from tests.job_systems.driver import Case, Driver
from tests.job_systems.matrix import Matrix, often
from tests.job_systems.results import Record
from tests.job_systems.worker_process import WorkerProcess
from tests.job_systems.world import World
from tests.tables import rows


@dataclass
class ProcrastinateDriver(Driver):
    """Its queue is in the world's database, and so in the transaction of the writes."""

    world: World

    jobs_table = "procrastinate_jobs"
    needs_heal = frozenset({Case.SIGKILL_STEP})

    def prepare(self) -> None:
        self._app = App(connector=SyncPsycopgConnector(conninfo=self.world.postgres))
        self._jobs = ProcrastinateJobs(self._app, queue="kclassify")
        with self._app.open():
            self._app.schema_manager.apply_schema()

    def start(self, *, grace_s: float = 5.0, timeout_s: float | None = None) -> WorkerProcess:
        options = ("--concurrency=2", "--fetch-job-polling-interval=0.2", "--queues=kclassify")
        return self.world.worker(
            [
                *("-m", "procrastinate", "--app=procrastinate_worker.app"),
                *("--log-level=info", "worker", *options, f"--shutdown-graceful-timeout={grace_s}"),
            ],
            paths=[REPOSITORY / "examples"],
            DATABASE_URL=self.world.postgres,
        )

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        self._jobs.enqueue(job, after_s)

    def waiting(self) -> int:
        return self._count("status = 'todo'")

    def delayed(self) -> int:
        return self._count("status = 'todo' AND scheduled_at > now()")

    def attempts(self) -> int:
        return int(self._one("SELECT coalesce(max(attempts), 0) FROM procrastinate_jobs"))

    def expire(self) -> None:
        """What a periodic task for stalled jobs does that takes a live worker for a dead one."""
        asyncio.run(self._retry_stalled())

    async def _retry_stalled(self) -> None:
        app = App(connector=PsycopgConnector(conninfo=self.world.postgres))
        async with app.open_async():
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=0):
                await app.job_manager.retry_job(job)

    def _count(self, condition: str) -> int:
        return int(self._one(f"SELECT count(*) FROM procrastinate_jobs WHERE {condition}"))

    def _one(self, query: str) -> Any:
        return rows(self.world.database, query)[0][0]


class TestProcrastinate(Matrix):
    system = "procrastinate"

    @pytest.fixture
    def driver(self, world: World) -> Iterator[Driver]:
        made = ProcrastinateDriver(world)
        made.prepare()
        yield made
        made.clean()

    @often
    def test_a_run_in_batches(self, world: World, driver: Driver, record: Record) -> None:
        """The others do at night what one system does for all: they only snooze."""
        super().test_a_run_in_batches(world, driver, record)
