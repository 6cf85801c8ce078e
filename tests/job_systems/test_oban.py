from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import ClassVar

import pytest

from kclassify.adapters.job import Job
from kclassify.adapters.oban import ObanJobs
from tests.conftest import REPOSITORY
from tests.job_systems.driver import Driver
from tests.job_systems.matrix import SNOOZES, Matrix
from tests.job_systems.results import Record
from tests.job_systems.worker_process import WorkerProcess
from tests.job_systems.world import World
from tests.tables import rows, run

pytestmark = pytest.mark.skipif(
    find_spec("oban") is None, reason="Oban needs Python 3.12 or newer: make test-jobs"
)

NEVER_S = 300.0
_SETTINGS = """
dsn = "{dsn}"
queues = {{default = 2}}
shutdown_grace_period = {grace_s}
stager = {{interval = 0.2}}
lifeline = {{interval = 0.3, rescue_after = {rescue_s}}}
"""


class ObanDriver(Driver):
    """The example's worker, started by Oban's command line; its tables are the world's."""

    jobs_table: ClassVar[str | None] = "oban_jobs"
    grace_s: ClassVar[float] = 1.0

    def __init__(self, world: World) -> None:
        self._world = world
        self._jobs = ObanJobs(world.database, path="oban_worker.Relabel")

    def prepare(self) -> None:
        run(self._world.database, import_module("oban.schema").install_sql())

    def start(self, *, grace_s: float = 5.0, timeout_s: float | None = None) -> WorkerProcess:
        # What a worker that is gone has left is rescued by the one after it, and nothing else is.
        later_s = 3.0 if self._world.workers else NEVER_S
        # The term of a leader that was killed ends after half a minute, and only leaders rescue.
        run(self._world.database, "DELETE FROM oban_leaders")
        name = f"oban-{len(self._world.workers)}.toml"
        (self._world.folder / name).write_text(
            _SETTINGS.format(
                dsn=self._world.postgres, grace_s=grace_s, rescue_s=timeout_s or later_s
            )
        )
        # They take seconds to import, which would be part of the first step.
        libraries = "anthropic,instructor.v2.providers.anthropic.client"
        modules = ("--cron-modules", f"oban_worker,{libraries}")
        return self._world.worker(
            ["-m", "oban", "start", "--config", name, *modules],
            paths=[REPOSITORY / "examples"],
            DATABASE_URL=self._world.url,
        )

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        self._jobs.enqueue(job, after_s)

    def waiting(self) -> int:
        return self._one("count(*)", "state IN ('available', 'scheduled', 'retryable')")

    def delayed(self) -> int:
        return self._one("count(*)", "state = 'scheduled'")

    def attempts(self) -> int | None:
        """Of the rows that are not over: a counter that moved is not hidden by an older one."""
        return self._one("coalesce(max(attempt), 0)", "completed_at IS NULL")

    def _one(self, value: str, where: str) -> int:
        found = rows(self._world.database, f"SELECT {value} FROM oban_jobs WHERE {where}")
        return int(found[0][0])


class TestOban(Matrix):
    system = "Oban"

    @pytest.fixture
    def driver(self, world: World) -> Iterator[Driver]:
        driver = ObanDriver(world)
        driver.prepare()
        yield driver
        driver.clean()

    def test_an_outage_of_ten_snoozes(self, world: World, driver: Driver, record: Record) -> None:
        super().test_an_outage_of_ten_snoozes(world, driver, record)
        columns = "sum((meta->>'snoozed')::int), min(attempt), max(attempt)"
        [(snoozes, fewest, most)] = rows(world.database, f"SELECT {columns} FROM oban_jobs")
        assert snoozes >= SNOOZES
        assert (fewest, most) == (1, 1)
