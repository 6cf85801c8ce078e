"""Relabels in Dramatiq's workers, on Redis or RabbitMQ (extra `dramatiq`, and `redis` or `pika`).

    dramatiq dramatiq_worker
    python examples/dramatiq_worker.py

The first is a worker: BROKER_URL says where the broker is (redis:// or amqp://), KCLASSIFY_QUEUE
which queue it takes. The second is a demonstration: it makes a table, starts such a worker and the
stub API of kclassify.testing (extra `testing`), starts a commit and shows what the worker logs.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dramatiq
from dramatiq.broker import Broker
from dramatiq.errors import BrokerError
from redis.exceptions import RedisError

from kclassify import Database, Mode
from kclassify.adapters.from_config import from_config, settings_of
from kclassify.adapters.job import Job
from kclassify.adapters.kick import start
from kclassify.adapters.translate import run_step
from kclassify.core.follow_up import EnqueueNext, Fail, SnoozeFor
from kclassify.errors import EnqueueError
from kclassify.events import logger
from kclassify.testing import Fixed, FixedLatency, Overloaded, StubMessagesAPI

URL = os.environ.get("BROKER_URL", "redis://127.0.0.1:6379/0")
QUEUE = os.environ.get("KCLASSIFY_QUEUE", "kclassify")


def open_broker(url: str) -> Broker:
    """The broker at this URL, as a chain of steps needs it."""
    if url.startswith("amqp"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker  # noqa: PLC0415

        # Without this a message that is sent over a dead connection is lost.
        return RabbitmqBroker(url=url, confirm_delivery=True)
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    # One command of ten looks for the messages of dead workers; by default one of a thousand does,
    # and an idle worker sends one a second.
    return RedisBroker(url=url, maintenance_chance=100_000)  # type: ignore[no-untyped-call]


broker = open_broker(URL)
dramatiq.set_broker(broker)


class StepFailed(Exception):
    """The chain ends until a human mends what the message says."""


@dramatiq.actor(queue_name=QUEUE, throws=StepFailed, time_limit=120_000)
def relabel(arguments: dict[str, Any]) -> None:
    """Take one step. The next one is a new message: sending this one again would be a retry."""
    job = Job.of(arguments)
    logger.info("%s: a step begins", job.name)
    follow_up = run_step(from_config, job)
    logger.info("%s: %s", job.name, follow_up)
    match follow_up:
        case EnqueueNext():
            send(arguments)
        case SnoozeFor(seconds=seconds):
            send(arguments, seconds)
        case Fail(reason=reason):
            raise StepFailed(reason)
        case _:
            pass


def send(arguments: dict[str, Any], after_s: int = 0) -> None:
    """A new message: its count of retries begins at 0."""
    delay = after_s * 1000 if after_s else None
    relabel.send_with_options(args=(arguments,), delay=delay)  # pyright: ignore[reportUnknownMemberType]


class DramatiqJobs:
    """A `JobSystem`: sends jobs from outside of a worker."""

    name = "dramatiq"

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """To be run in so many seconds. Raises `EnqueueError`."""
        try:
            send(job.arguments(), after_s)
        except (BrokerError, RedisError) as error:
            place = urlsplit(URL).netloc.rpartition("@")[2]
            raise EnqueueError(f"the broker at {place} takes no job: {error}") from None


jobs = DramatiqJobs()

SETTINGS = """
[source]
url = "sqlite:///articles.db"
table = "articles"
current = "label"

[taxonomy]
file = "taxonomy.toml"

[runner]
max_concurrency = 4
snooze_seconds = 1
"""
TAXONOMY = """
name = "articles"
category = [
    {name = "playbook", definition = "ordered steps that get one task done"},
    {name = "pattern", definition = "a reusable shape of a solution"},
]
"""


def demonstrate(folder: Path) -> None:
    """Relabel 120 rows in steps of half a second, with an outage on the way."""
    (folder / "kclassify.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "taxonomy.toml").write_text(TAXONOMY, encoding="utf-8")
    with closing(sqlite3.connect(folder / "articles.db")) as table, table:
        table.execute("CREATE TABLE articles (id INTEGER PRIMARY KEY, body, label)")
        rows = [(f"1. Stop machine {n}. 2. Start it.",) for n in range(120)]
        table.executemany("INSERT INTO articles (body) VALUES (?)", rows)
    relabel.queue_name = f"kclassify-{uuid.uuid4().hex}"
    job = Job(
        run="articles",
        mode=Mode.COMMIT,
        override="an example",
        budget_s=0.5,
        config=str(folder / "kclassify.toml"),
    )
    provider = StubMessagesAPI(Fixed("playbook", 0.9), latency=FixedLatency(0.02))
    with provider as stub, worker(stub) as log:
        begin(job)
        follow(log, stub)
    forget(relabel.queue_name)
    with closing(sqlite3.connect(folder / "articles.db")) as table:
        print(table.execute("SELECT label, count(*) FROM articles GROUP BY label").fetchall())


def begin(job: Job) -> None:
    """Begin the run in its ledger, and enqueue its first job."""
    with closing(Database(settings_of(job).ledger_url)) as ledger, from_config(job) as runner:
        start(runner, ledger, jobs, job)


@contextmanager
def worker(stub: StubMessagesAPI) -> Generator[Iterable[str]]:
    """A worker that asks the stub; the lines of its log."""
    own = {"KCLASSIFY_QUEUE": relabel.queue_name, "ANTHROPIC_BASE_URL": stub.url}
    with subprocess.Popen(
        [sys.executable, "-m", "dramatiq", "dramatiq_worker", "--processes=1", "--threads=2"],
        cwd=Path(__file__).parent,
        env={**os.environ, **own, "ANTHROPIC_API_KEY": "stub"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process.stderr or ()
        process.terminate()


def forget(queue: str) -> None:
    """Remove it from RabbitMQ; on Redis an empty one is gone by itself."""
    if URL.startswith("amqp"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker  # noqa: PLC0415

        assert isinstance(broker, RabbitmqBroker)  # noqa: S101
        for kind in ("", ".DQ", ".XQ"):
            broker.channel.queue_delete(f"{queue}{kind}")


def follow(log: Iterable[str], stub: StubMessagesAPI) -> None:
    """Print the log until the run is done. The provider is out of order from step to snooze."""
    faults: list[Overloaded | None] = [None, Overloaded()]
    for line in log:
        if "[kclassify]" in line:
            print(line, end="")
        if "EnqueueNext(" in line or "SnoozeFor(" in line:
            stub.set_fault(faults.pop() if faults else None)
        if "Stop(" in line:
            return
        if "Failed to process" in line:
            break
    raise SystemExit("the run is not done")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        demonstrate(Path(folder))
