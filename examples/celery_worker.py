"""Relabels a table in a Celery worker (extra `celery`): `app` and `jobs` are all that it needs.

    celery -A celery_worker worker -Q articles -l INFO
    python examples/celery_worker.py

The first is a worker, in the folder of this file. The second is a demonstration: it makes a table,
starts such a worker and the stub API of kclassify.testing (extra `testing`), starts a commit, and
shows what the worker logs. CELERY_BROKER_URL names the broker, redis://127.0.0.1:6379/0 when it is
not set; amqp://guest:guest@127.0.0.1// is RabbitMQ.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from celery import Celery

from kclassify import Database, Mode
from kclassify.adapters.celery import CeleryJobs
from kclassify.adapters.from_config import from_config, settings_of
from kclassify.adapters.job import Job
from kclassify.adapters.kick import start
from kclassify.testing import Fixed, FixedLatency, StubMessagesAPI

BROKER = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")
QUEUE = os.environ.get("ARTICLES_QUEUE", "articles")
# With Redis, the time after which the messages of a worker that was killed are delivered again.
DELIVERY = {"visibility_timeout": 300} if BROKER.startswith("redis") else {"confirm_publish": True}

app = Celery(
    "articles",
    broker=BROKER,
    config_source={"broker_transport_options": DELIVERY, "worker_prefetch_multiplier": 1},
)
jobs = CeleryJobs(app, queue=QUEUE)

DEMONSTRATION = "articles-demonstration"
SETTINGS = """
[source]
url = "sqlite:///FOLDER/articles.db"
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
    """Relabel 200 rows in steps of half a second."""
    prepare(folder)
    with (
        StubMessagesAPI(Fixed("playbook", 0.9), latency=FixedLatency(0.02)) as stub,
        worker(folder, stub.url) as process,
        Celery(broker=BROKER) as sender,  # all that it has in common with the worker's is a broker
    ):
        begin(CeleryJobs(sender, queue=DEMONSTRATION), str(folder / "kclassify.toml"))
        print(*wait_until_ended(folder, process), labels(folder), sep="\n")


def begin(system: CeleryJobs, config: str) -> None:
    """Begin a commit in its ledger, and send its first message."""
    job = Job(run="articles", mode=Mode.COMMIT, override="an example", budget_s=0.5, config=config)
    with closing(Database(settings_of(job).ledger_url)) as ledger, from_config(job) as runner:
        start(runner, ledger, system, job)


def prepare(folder: Path) -> None:
    """Make the table, without labels, and the settings."""
    (folder / "kclassify.toml").write_text(
        SETTINGS.replace("FOLDER", str(folder)), encoding="utf-8"
    )
    (folder / "taxonomy.toml").write_text(TAXONOMY, encoding="utf-8")
    with closing(sqlite3.connect(folder / "articles.db")) as made, made:
        made.execute("CREATE TABLE articles (id INTEGER PRIMARY KEY, body, label)")
        bodies = [(f"1. Stop number {n}. 2. Start it again.",) for n in range(200)]
        made.executemany("INSERT INTO articles (body) VALUES (?)", bodies)


def labels(folder: Path) -> dict[str | None, int]:
    """How many articles have which label."""
    with closing(sqlite3.connect(folder / "articles.db")) as read:
        return dict(read.execute("SELECT label, count(*) FROM articles GROUP BY label").fetchall())


@contextmanager
def worker(folder: Path, stub_url: str) -> Generator[subprocess.Popen[bytes]]:
    """Within it a worker runs; at the end it is told to stop, and ends after its step."""
    environment = os.environ | {
        "ANTHROPIC_API_KEY": "stub",
        "ANTHROPIC_BASE_URL": stub_url,
        "ARTICLES_QUEUE": DEMONSTRATION,
    }
    options = ("-A", "celery_worker", "worker", "-Q", DEMONSTRATION, "-c", "2", "-l", "INFO")
    with (
        (folder / "worker.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "celery", *options],
            cwd=Path(__file__).parent,
            env=environment,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def wait_until_ended(folder: Path, process: subprocess.Popen[bytes]) -> list[str]:
    """What the worker logged of the run; `TimeoutError` with its log if the run does not end."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        log = (folder / "worker.log").read_text(encoding="utf-8")
        lines = [line for line in log.splitlines() if "articles commit 1: " in line]
        if lines and (": stops: " in lines[-1] or ": fails: " in lines[-1]):
            return lines
        time.sleep(0.1)
    raise TimeoutError((folder / "worker.log").read_text(encoding="utf-8"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        demonstrate(Path(made))
