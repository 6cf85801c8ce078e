from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from arq.connections import RedisSettings
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from redis import Redis
from redis.exceptions import RedisError

from examples import arq_worker
from kclassify.adapters.job import Job
from tests.conftest import missing_service
from tests.job_systems.driver import Driver
from tests.job_systems.material import CONCURRENCY
from tests.job_systems.matrix import Matrix
from tests.job_systems.worker_process import WorkerProcess
from tests.job_systems.world import World

SERVER = os.environ.get("KCLASSIFY_REDIS_URL", "redis://127.0.0.1:6379")
DATABASE = 7

# arq locks a job for `job_timeout` and ten seconds: a test does not wait for so long. What the
# first step imports blocks the loop for seconds on a busy machine: a client imports it before.
_WORKER = """
import logging.config, sys
from arq.worker import create_worker
from examples import arq_worker
from kclassify import Classifier
from tests.small import TAXONOMY

Classifier(TAXONOMY, base_url="http://127.0.0.1:1", api_key="stub")
logging.config.dictConfig(arq_worker.LOGGING)
grace_s, lock_s, job_timeout = map(float, sys.argv[1:])
settings = arq_worker.WorkerSettings
worker = create_worker(settings, job_completion_wait=int(grace_s), job_timeout=job_timeout)
worker.in_progress_timeout_s = lock_s
worker.run()
"""


@dataclass
class ArqDriver(Driver):
    """A queue of its own in Redis. A job is in its set until it has ended."""

    world: World

    def prepare(self) -> None:
        self._redis: Any = Redis.from_url(f"{SERVER}/{DATABASE}", decode_responses=True)
        try:
            self._redis.ping()
        except RedisError as error:
            missing_service("Redis", "KCLASSIFY_REDIS_URL", str(error))
        settings = RedisSettings.from_dsn(f"{SERVER}/{DATABASE}")
        self._jobs = arq_worker.ArqJobs(settings, self.world.name)

    def clean(self) -> None:
        kept = [f"{job_key_prefix}{job}" for job in self._all()]
        self._redis.delete(self.world.name, f"{self.world.name}:health-check", *kept)
        self._redis.close()

    def start(self, *, grace_s: float = 5.0, timeout_s: float | None = None) -> WorkerProcess:
        return self._start(grace_s, 10.0 if timeout_s is None else timeout_s)

    def _start(self, grace_s: float, lock_s: float, job_timeout: float = 30.0) -> WorkerProcess:
        return self.world.worker(
            ["-c", _WORKER, str(grace_s), str(lock_s), str(job_timeout)],
            REDIS_URL=f"{SERVER}/{DATABASE}",
            KCLASSIFY_QUEUE=self.world.name,
        )

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        self._jobs.enqueue(job, after_s)

    def waiting(self) -> int:
        running = [self._redis.exists(f"{in_progress_key_prefix}{job}") for job in self._all()]
        return running.count(0)

    def delayed(self) -> int:
        seconds, microseconds = self._redis.time()
        now = seconds * 1000 + microseconds // 1000
        return int(self._redis.zcount(self.world.name, f"({now}", "+inf"))

    def attempts(self) -> int:
        """Tries after the first one."""
        counters = [self._redis.get(f"{retry_key_prefix}{job}") for job in self._all()]
        return max((int(counter) - 1 for counter in counters if counter), default=0)

    def expire(self) -> None:
        pass

    def _all(self) -> list[str]:
        found: list[str] = self._redis.zrange(self.world.name, 0, -1)
        return found


@pytest.mark.nightly  # a recipe; what it stands on is tested by day
class TestArq(Matrix):
    system = "arq on Redis"

    @pytest.fixture
    def driver(self, world: World) -> Iterator[ArqDriver]:
        made = ArqDriver(world)
        made.prepare()
        yield made
        made.clean()

    def test_a_step_past_the_job_timeout_ends_the_chain(
        self, world: World, driver: ArqDriver
    ) -> None:
        """It is cancelled and not tried again; whoever goes on pays no answer twice."""
        world.latency.mean = 0.6
        worker = driver._start(5.0, 20.0, job_timeout=4.0)
        world.begin(driver, budget_s=30.0)
        worker.wait_for("relabel failed, TimeoutError")
        world.wait_for(lambda: driver.waiting() == 0, "an empty queue")
        assert world.status != "done"
        worker.kill()
        driver.start()
        world.latency.mean = 0.05
        world.heal(driver)
        world.wait_until_done()
        assert world.assert_kept().paid_twice <= CONCURRENCY
