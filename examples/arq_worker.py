"""Relabels in arq's workers, on Redis (extra `arq`).

    arq arq_worker.WorkerSettings --custom-log-dict arq_worker.LOGGING
    python examples/arq_worker.py

The first is a worker: REDIS_URL says where Redis is, KCLASSIFY_QUEUE which queue it takes. The
second is a demonstration: it makes a table, starts such a worker and the stub API of
kclassify.testing (extra `testing`), starts a commit and shows what the worker logs.
"""

from __future__ import annotations

import asyncio
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

from arq import create_pool, func
from arq.connections import RedisSettings
from redis.exceptions import RedisError

from kclassify import Database, Mode
from kclassify.adapters.from_config import from_config, settings_of
from kclassify.adapters.job import Job
from kclassify.adapters.kick import start
from kclassify.adapters.translate import take_step
from kclassify.core.follow_up import EnqueueNext, Fail, SnoozeFor
from kclassify.errors import EnqueueError
from kclassify.events import logger
from kclassify.testing import (
    Fixed,
    FixedLatency,
    Overloaded,
    StubMessagesAPI,
)

TASK = "relabel"
REDIS = RedisSettings.from_dsn(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"))
QUEUE = os.environ.get("KCLASSIFY_QUEUE", "kclassify")


class StepFailed(Exception):
    """The chain ends until a human mends what the message says."""


async def relabel(ctx: dict[Any, Any], arguments: dict[str, Any]) -> None:
    """Take one step. The next one is a new job: under its own id this one would spend a try."""
    job = Job.of(arguments)
    logger.info("%s: a step begins, try %d", job.name, ctx["job_try"])
    follow_up = await take_step(from_config, job)
    logger.info("%s: %s", job.name, follow_up)
    match follow_up:
        case EnqueueNext():
            await ctx["redis"].enqueue_job(TASK, arguments)
        case SnoozeFor(seconds=seconds):
            await ctx["redis"].enqueue_job(TASK, arguments, _defer_by=seconds)
        case Fail(reason=reason):
            raise StepFailed(reason)
        case _:
            pass


class WorkerSettings:
    """What `arq` reads. Times are seconds."""

    redis_settings = REDIS
    queue_name = QUEUE
    # Tries are counted for each step: only deploys and deaths spend them. The ledger has the rest.
    functions = (func(relabel, name=TASK, max_tries=1000, keep_result=0),)
    # Longer than any step (budget_s and a call's timeout_s), for what hits it has failed. A killed
    # worker's step is taken again 10 seconds later than this.
    job_timeout = 60
    # After SIGTERM the step may end. Without this it is cancelled at once.
    job_completion_wait = 25


class ArqJobs:
    """A `JobSystem`: puts jobs into the queue from outside of a worker."""

    name = "arq"

    def __init__(self, redis: RedisSettings, queue: str) -> None:
        self._redis = redis
        self._queue = queue

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """To be run in so many seconds. Raises `EnqueueError`."""
        try:
            asyncio.run(self._enqueue(job, after_s))
        except (RedisError, OSError, TimeoutError) as error:
            place = f"{self._redis.host}:{self._redis.port}"
            raise EnqueueError(f"Redis at {place} takes no job: {error}") from None

    async def _enqueue(self, job: Job, after_s: int) -> None:
        redis = await create_pool(self._redis, default_queue_name=self._queue)
        async with redis:
            await redis.enqueue_job(TASK, job.arguments(), _defer_by=after_s)


jobs = ArqJobs(REDIS, QUEUE)

_ON_STDERR = {"handlers": ["stderr"], "level": "INFO"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"arq": _ON_STDERR, "kclassify": _ON_STDERR},
}

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
    queue = f"kclassify-{uuid.uuid4().hex}"
    job = Job(
        run="articles",
        mode=Mode.COMMIT,
        override="an example",
        budget_s=0.5,
        config=str(folder / "kclassify.toml"),
    )
    provider = StubMessagesAPI(Fixed("playbook", 0.9), latency=FixedLatency(0.02))
    with provider as stub, worker(queue, stub) as log:
        begin(ArqJobs(REDIS, queue), job)
        follow(log, stub)
    with closing(sqlite3.connect(folder / "articles.db")) as table:
        print(table.execute("SELECT label, count(*) FROM articles GROUP BY label").fetchall())


def begin(system: ArqJobs, job: Job) -> None:
    """Begin the run in its ledger, and enqueue its first job."""
    with closing(Database(settings_of(job).ledger_url)) as ledger, from_config(job) as runner:
        start(runner, ledger, system, job)


@contextmanager
def worker(queue: str, stub: StubMessagesAPI) -> Generator[Iterable[str]]:
    """A worker that asks the stub; the lines of its log."""
    told = ("arq_worker.WorkerSettings", "--custom-log-dict", "arq_worker.LOGGING")
    provider = {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
    with subprocess.Popen(  # noqa: S603  # no text of others is in it
        [sys.executable, "-m", "arq", *told],
        cwd=Path(__file__).parent,
        env={**os.environ, **provider, "KCLASSIFY_QUEUE": queue},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process.stderr or ()
        process.terminate()


def follow(log: Iterable[str], stub: StubMessagesAPI) -> None:
    """Print the log until the run is done. The provider is out of order from step to snooze."""
    faults: list[Overloaded | None] = [None, Overloaded()]
    for line in log:
        if " kclassify: " in line:
            print(line, end="")
        if "EnqueueNext(" in line or "SnoozeFor(" in line:
            stub.set_fault(faults.pop() if faults else None)
        if "Stop(" in line:
            return
        if " failed, " in line:
            break
    raise SystemExit("the run is not done")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        demonstrate(Path(folder))
