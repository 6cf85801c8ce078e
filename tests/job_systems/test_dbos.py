from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar

import pytest
from dbos import DBOS, DBOSConfig

from kclassify.adapters.dbos import DbosJobs
from kclassify.adapters.job import Job
from tests.conftest import REPOSITORY
from tests.job_systems.driver import Case, Driver
from tests.job_systems.matrix import Matrix
from tests.job_systems.results import Record
from tests.job_systems.worker_process import WorkerProcess
from tests.job_systems.world import World
from tests.tables import rows

WORKER = str(REPOSITORY / "examples" / "dbos_worker.py")
_UNFINISHED = "status IN ('ENQUEUED', 'DELAYED', 'PENDING')"
_LAST_STEPS = f"""
SELECT DISTINCT ON (s.workflow_uuid) s.function_name, s.output
FROM dbos.operation_outputs s JOIN dbos.workflow_status w USING (workflow_uuid)
WHERE w.{_UNFINISHED} ORDER BY s.workflow_uuid, s.function_id DESC
"""


class DbosDriver(Driver):
    """The example's worker; DBOS's tables are in the database of the world."""

    has_timeout: ClassVar[bool] = False

    def __init__(self, world: World) -> None:
        self._world = world
        config: DBOSConfig = {"name": "articles", "system_database_url": world.postgres}
        self._jobs = DbosJobs(config, workflow=f"kclassify.steps {world.name}")
        self._jobs._workflow = "kclassify.steps"  # registered once in a process

    def prepare(self) -> None:
        DBOS.migrate(self._world.postgres)

    def start(self, *, grace_s: float = 5.0, timeout_s: float | None = None) -> WorkerProcess:
        return self._world.worker(
            [WORKER, "work"], ARTICLES_URL=self._world.postgres, ARTICLES_GRACE_S=f"{grace_s:g}"
        )

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        self._jobs.enqueue(job, after_s)

    def waiting(self) -> int:
        query = f"SELECT count(*) FROM dbos.workflow_status WHERE {_UNFINISHED}"
        return int(rows(self._world.database, query)[0][0])

    def delayed(self) -> int:
        found = rows(self._world.database, _LAST_STEPS)
        return sum(name == "DBOS.sleep" and float(until) > time.time() for name, until in found)

    def attempts(self) -> int | None:
        query = "SELECT max(recovery_attempts) FROM dbos.workflow_status"
        attempts: int | None = rows(self._world.database, query)[0][0]
        return attempts


class TestDbos(Matrix):
    system = "DBOS"

    @pytest.fixture
    def driver(self, world: World) -> Iterator[Driver]:
        driver = DbosDriver(world)
        driver.prepare()
        yield driver
        driver.clean()

    def test_enqueued_twice(self, world: World, driver: Driver, record: Record) -> None:
        """The same workflow while it waits; once it has begun, a second one, which ends."""
        world.latency.mean = 0.3
        job = world.begin(driver, budget_s=2.0)
        driver.enqueue(job)
        assert driver.waiting() == 1
        worker = driver.start()
        world.wait_until_in_flight()
        driver.enqueue(job)
        worker.wait_for("Superseded")
        self._end(world, driver, record, Case.DUPLICATE)
