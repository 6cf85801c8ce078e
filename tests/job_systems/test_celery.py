from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import redis
from celery import Celery
from kombu import pools
from kombu.exceptions import OperationalError

from kclassify.adapters.celery import CeleryJobs
from kclassify.adapters.job import Job
from kclassify.testing import Throttled
from tests.conftest import missing_service
from tests.job_systems.driver import Driver
from tests.job_systems.material import ITEMS
from tests.job_systems.matrix import Matrix
from tests.job_systems.own_redis import OwnRedis
from tests.job_systems.worker_process import WorkerProcess
from tests.job_systems.world import World

REDIS = os.environ.get("KCLASSIFY_REDIS_URL", "redis://127.0.0.1:6379") + "/9"
RABBITMQ = os.environ.get("KCLASSIFY_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
close_connections: Callable[[], None] = pools.reset
OLDEST_REDIS_PY = (6, 1)
VISIBILITY_TIMEOUT_S = 5.0
WORKER = "tests.job_systems.celery_worker"
OPTIONS = ("-c", "2", "-l", "INFO", "--without-mingle")


class CeleryDriver(Driver):
    """A queue of its own, and the worker of the example."""

    grace_s: ClassVar[float] = 1.0
    default_url: ClassVar[str]

    def __init__(self, world: World, url: str | None = None) -> None:
        self.world = world
        self.url = url or self.default_url
        self.app: Any = Celery(broker=self.url)
        self.jobs = CeleryJobs(self.app, queue=world.name)

    def clean(self) -> None:
        self.app.close()
        close_connections()

    def start(self, *, grace_s: float = 5.0, timeout_s: float | None = None) -> WorkerProcess:
        environment: dict[str, Any] = {
            "CELERY_BROKER_URL": self.url,
            "ARTICLES_QUEUE": self.world.name,
        }
        if grace_s == self.grace_s:  # without it SIGTERM waits for a step as long as it takes
            environment |= {"CELERY_GRACE_S": f"{grace_s}", "REMAP_SIGTERM": "SIGQUIT"}
        return self.world.worker(
            ["-m", "celery", "-A", WORKER, "worker", "-Q", self.world.name, *OPTIONS],
            **(environment | self.more(timeout_s)),
        )

    def more(self, timeout_s: float | None) -> dict[str, Any]:
        return {}

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        self.jobs.enqueue(job, after_s)

    def attempts(self) -> int | None:
        found = [int(count) for count in re.findall(r"retries=(\d+)", self.logs())]
        return max(found, default=None)

    def logs(self) -> str:
        return "\n".join(line for worker in self.world.workers for line in worker.lines)


class OnRedis(CeleryDriver):
    """Messages that a worker holds are in a hash until they are acknowledged."""

    default_url = REDIS

    def prepare(self) -> None:
        require_redis_py()
        self.app.conf.broker_transport_options = {"global_keyprefix": self.world.name}
        self._redis: Any = redis.Redis.from_url(self.url, decode_responses=True)
        try:
            self._redis.ping()
        except redis.RedisError as error:
            missing_service("Redis", "KCLASSIFY_REDIS_URL", str(error))

    def clean(self) -> None:
        self._redis.delete("none", *self._redis.keys(f"{self.world.name}*"))
        self._redis.close()
        super().clean()

    def more(self, timeout_s: float | None) -> dict[str, Any]:
        return {"VISIBILITY_TIMEOUT_S": f"{timeout_s or VISIBILITY_TIMEOUT_S}"}

    def waiting(self) -> int:
        return len(self._queued()) + sum(has_eta(message) for message in self._held())

    def delayed(self) -> int:
        return sum(has_eta(message) for message in [*self._held(), *self._queued()])

    def _queued(self) -> list[Any]:
        queue = f"{self.world.name}{self.world.name}"
        return [json.loads(each) for each in self._redis.lrange(queue, 0, -1)]

    def _held(self) -> list[Any]:
        return [json.loads(each)[0] for each in self._redis.hvals(f"{self.world.name}unacked")]


def has_eta(message: Any) -> bool:
    return message["headers"]["eta"] is not None


class OnRabbitMQ(CeleryDriver):
    """What a worker holds is seen by nobody else: the workers' logs tell of it."""

    default_url = RABBITMQ
    has_timeout = False  # `consumer_timeout` is the server's, for all queues alike, and a minute

    def prepare(self) -> None:
        self._connection = self.app.connection_for_write()
        try:
            self._channel = self._connection.channel()
        except (OperationalError, OSError) as error:
            missing_service("RabbitMQ", "KCLASSIFY_RABBITMQ_URL", repr(error))
        self._channel.queue_declare(self.world.name, durable=True, auto_delete=False)

    def clean(self) -> None:
        self._channel.queue_delete(self.world.name)
        self._connection.close()
        super().clean()

    def waiting(self) -> int:
        ready = self._channel.queue_declare(self.world.name, passive=True)
        return int(ready.message_count) + self.delayed()

    def delayed(self) -> int:
        running = [worker for worker in self.world.workers if worker.is_running]
        return len(waiting_in([line for worker in running for line in worker.lines], now=True))


def waiting_in(lines: list[str], *, now: bool = False) -> set[str]:
    """The messages that this log says had to wait, or that have to now."""
    log = "\n".join(lines)
    begun = re.findall(r"begins: (\S+)", log) if now else []
    return {*re.findall(r"waits: (\S+)", log)} - {*begun}


def require_redis_py() -> None:
    """Skip where arq holds the library at an older one; `make test-jobs` has none there."""
    if redis.VERSION < OLDEST_REDIS_PY:
        pytest.skip(f"Celery wants redis-py 6.1, and this is {redis.__version__}: make test-jobs")


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server to start and to kill")
    server = OwnRedis(program, tmp_path)
    server.start()
    yield server
    server.kill()


class TestCeleryOnRedis(Matrix):
    system = "Celery on Redis"

    @pytest.fixture
    def driver(self, world: World) -> Iterator[Driver]:
        driver = OnRedis(world)
        driver.prepare()
        yield driver
        driver.clean()

    def test_no_message_of_a_long_snooze_is_delivered_twice(
        self, world: World, driver: Driver
    ) -> None:
        """It is a row of short ones, each of which ends before it is taken for lost."""
        worker = driver.start(timeout_s=6.0)
        world.begin(driver)
        world.wait_until_answered(10)
        world.stub.set_fault(Throttled(retry_after=14))
        worker.wait_for("an earlier step is not over", times=2)
        world.mend()
        world.wait_until_done(60.0)
        assert worker.count("waits: ") > 3
        assert worker.count("waits: ") == len(waiting_in(worker.lines))
        assert world.assert_kept().paid_twice == 0

    def test_a_broker_that_goes_away_is_named_and_kick_goes_on(
        self, world: World, own_redis: OwnRedis
    ) -> None:
        """The step was committed; the message of the next one went nowhere."""
        driver = OnRedis(world, own_redis.url)
        driver.prepare()
        worker = driver.start()
        world.latency.mean = 0.3
        world.begin(driver, budget_s=2.0)
        world.wait_until_in_flight()
        own_redis.kill()
        worker.wait_for(f"is not enqueued: redis://:**@127.0.0.1:{own_redis.port}/0: Error 111")
        assert 0 < world.settled < ITEMS
        own_redis.start()
        driver.start()  # the first one ends when it cannot acknowledge, and may be gone by now
        world.heal(driver)
        world.latency.mean = 0.02
        world.wait_until_done(60.0)
        assert world.assert_kept().paid_twice == 0
        assert worker.count(own_redis.password) == 0
        driver.clean()


class TestCeleryOnRabbitMQ(Matrix):
    system = "Celery on RabbitMQ"

    @pytest.fixture
    def driver(self, world: World) -> Iterator[Driver]:
        driver = OnRabbitMQ(world)
        driver.prepare()
        yield driver
        driver.clean()
