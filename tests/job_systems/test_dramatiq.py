from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pika  # type: ignore[import-untyped]
import pytest
from dramatiq.brokers.redis import RedisBroker
from pika.exceptions import AMQPError  # type: ignore[import-untyped]
from redis import Redis
from redis.exceptions import RedisError

from examples import dramatiq_worker
from kclassify.adapters.job import Job
from tests.conftest import missing_service
from tests.job_systems.driver import Driver
from tests.job_systems.matrix import Matrix
from tests.job_systems.worker_process import WorkerProcess
from tests.job_systems.world import World

REDIS = os.environ.get("KCLASSIFY_REDIS_URL", "redis://127.0.0.1:6379") + "/8"
RABBITMQ = os.environ.get("KCLASSIFY_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")

# On Redis a worker is taken for dead after a minute: a test does not wait for so long.
_WORKER = """
import sys
from dramatiq.cli import main
from examples import dramatiq_worker

dramatiq_worker.broker.heartbeat_timeout = 3000
sys.exit(main())
"""


@dataclass
class DramatiqDriver(Driver):
    """A queue of its own; the recipe's own function sends to it."""

    world: World
    monkeypatch: pytest.MonkeyPatch

    url: ClassVar[str]

    def prepare(self) -> None:
        self.monkeypatch.setenv("BROKER_URL", self.url)
        self.recipe = importlib.reload(dramatiq_worker)
        self.recipe.relabel.queue_name = self.world.name

    def start(self, *, grace_s: float = 5.0, timeout_s: float | None = None) -> WorkerProcess:
        options = ("--processes=1", "--threads=2", "-v")
        grace = f"--worker-shutdown-timeout={int(grace_s * 1000)}"
        return self.world.worker(
            ["-c", _WORKER, "examples.dramatiq_worker", *options, grace],
            BROKER_URL=self.url,
            KCLASSIFY_QUEUE=self.world.name,
        )

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        self.recipe.jobs.enqueue(job, after_s)

    def expire(self) -> None:
        pass


class OnRedis(DramatiqDriver):
    """A message is in a hash until it is acknowledged, and in a list until it is fetched."""

    url = REDIS

    def prepare(self) -> None:
        super().prepare()
        self._redis: Any = Redis.from_url(self.url, decode_responses=True)
        self._queue = f"dramatiq:{self.world.name}"
        try:
            self._redis.ping()
        except RedisError as error:
            missing_service("Redis", "KCLASSIFY_REDIS_URL", str(error))

    def clean(self) -> None:
        self._redis.delete(*self._redis.keys(f"dramatiq:*{self.world.name}*"), "none")
        self._redis.close()

    def waiting(self) -> int:
        return int(self._redis.llen(self._queue)) + self.delayed()

    def delayed(self) -> int:
        return int(self._redis.hlen(f"{self._queue}.DQ.msgs"))

    def attempts(self) -> int:
        kept = (self._redis.hvals(f"{self._queue}{kind}.msgs") for kind in ("", ".DQ"))
        messages = [json.loads(message) for each in kept for message in each]
        return max((message["options"].get("retries", 0) for message in messages), default=0)

    def expire(self) -> None:
        """What another worker does that has heard no heartbeat for too long."""
        often = 1_000_000
        other = RedisBroker(  # type: ignore[no-untyped-call]
            url=self.url, maintenance_chance=often, heartbeat_timeout=1
        )
        other.do_qsize(self.world.name)
        other.close()


class OnRabbitMQ(DramatiqDriver):
    """A message that is fetched is seen by nobody else: the workers' logs tell of those."""

    url = RABBITMQ
    has_timeout = False  # `consumer_timeout` is the server's, for all queues alike

    def prepare(self) -> None:
        super().prepare()
        try:
            self._connection = pika.BlockingConnection(pika.URLParameters(self.url))
        except AMQPError as error:
            missing_service("RabbitMQ", "KCLASSIFY_RABBITMQ_URL", repr(error))
        self._channel = self._connection.channel()
        self.recipe.broker.declare_queue(self.world.name, ensure=True)

    def clean(self) -> None:
        for kind in ("", ".DQ", ".XQ"):
            self._channel.queue_delete(f"{self.world.name}{kind}")
        self._connection.close()
        self.recipe.broker.close()

    def waiting(self) -> int:
        return self._ready("") + self._ready(".DQ") + self.delayed()

    def delayed(self) -> int:
        lines = [
            line for worker in self.world.workers if worker.is_running for line in worker.lines
        ]
        return sum("onto delay queue" in line for line in lines) - sum(
            ".DQ)" in line and "Acknowledging" in line for line in lines
        )

    def attempts(self) -> int:
        lines = [line for worker in self.world.workers for line in worker.lines]
        return sum("Retrying message" in line for line in lines)

    def _ready(self, kind: str) -> int:
        declared = self._channel.queue_declare(f"{self.world.name}{kind}", passive=True)
        return int(declared.method.message_count)


@pytest.mark.nightly  # a recipe; what it stands on is tested by day
class TestDramatiqOnRedis(Matrix):
    system = "dramatiq on Redis"

    @pytest.fixture
    def driver(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
        made = OnRedis(world, monkeypatch)
        made.prepare()
        yield made
        made.clean()


@pytest.mark.nightly  # a recipe; what it stands on is tested by day
class TestDramatiqOnRabbitMQ(Matrix):
    system = "dramatiq on RabbitMQ"

    @pytest.fixture
    def driver(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
        made = OnRabbitMQ(world, monkeypatch)
        made.prepare()
        yield made
        made.clean()
