"""Relabels in Oban's workers, in PostgreSQL (extra `oban`, Python 3.12 or newer).

    python3.12 -m oban start --dsn "$DATABASE_URL" --queues default:2 --cron-modules oban_worker
    python3.12 examples/oban_worker.py postgresql://user@host/name

The first is a worker, in the folder of this file. The second is a demonstration: it makes a table
and Oban's in a schema of its own, kclassify_oban, which it drops at the end. It starts such a
worker and the stub API of kclassify.testing (extra `testing`), which is overloaded until the job
snoozes, starts a commit, and shows what the worker logs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import make_url

from kclassify import Database, Mode
from kclassify.adapters.from_config import from_config
from kclassify.adapters.job import Job
from kclassify.adapters.kick import start
from kclassify.adapters.oban import ObanJobs
from kclassify.testing import Fixed, FixedLatency, Overloaded, StubMessagesAPI

if find_spec("oban") is None:
    print("Oban is not installed: pip install 'kclassify[oban]', on Python 3.12 or newer")
    raise SystemExit

URL = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1/postgres")

# Oban finds the worker by this path, wherever a job of it comes from.
jobs = ObanJobs(
    Database(URL), path="oban_worker.Relabel", prefix=os.environ.get("OBAN_PREFIX", "public")
)
Relabel = jobs.worker

SCHEMA = "kclassify_oban"
SETTINGS = """
[source]
url = "${DATABASE_URL}"
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


def demonstrate(server: str) -> None:
    """Relabel 200 rows in steps of half a second, with an outage on the way."""
    with ExitStack() as stack:
        database = stack.enter_context(own_schema(server))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "kclassify.toml").write_text(SETTINGS, encoding="utf-8")
        (folder / "taxonomy.toml").write_text(TAXONOMY, encoding="utf-8")
        answers = StubMessagesAPI(Fixed("playbook", 0.9), latency=FixedLatency(0.02))
        stub = stack.enter_context(answers)
        os.environ |= environment(database, stub.url)
        subprocess.run([sys.executable, "-m", "oban", "install"], check=True, capture_output=True)
        begin(database, str(folder / "kclassify.toml"))
        work(stub)
        with database.connect() as connection:
            for query in ("SELECT label, count(*) FROM articles GROUP BY 1", JOBS):
                print(connection.exec_driver_sql(query).fetchall())


def begin(database: Database, config: str) -> None:
    """Begin a commit in its ledger, and insert its first job."""
    job = Job(run="articles", mode=Mode.COMMIT, override="an example", budget_s=0.5, config=config)
    with from_config(job) as runner:
        system = ObanJobs(database, path="oban_worker.Relabel", prefix=SCHEMA)
        start(runner, database, system, job)


JOBS = "SELECT state, attempt, meta->'snoozed' AS snoozed, count(*) FROM oban_jobs GROUP BY 1, 2, 3"


@contextmanager
def own_schema(server: str) -> Generator[Database]:
    """A database in which every table is found in, and made in, a schema of ours."""
    url = make_url(server).update_query_dict({"options": f"-csearch_path={SCHEMA}"})
    database = Database(url.render_as_string(hide_password=False))
    with database.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        connection.exec_driver_sql(
            "CREATE TABLE articles (id integer PRIMARY KEY, body text, label text)"
        )
        connection.exec_driver_sql(
            "INSERT INTO articles "
            "SELECT n, '1. Stop machine ' || n || '. 2. Start it.' FROM generate_series(1, 200) n"
        )
    try:
        yield database
    finally:
        with database.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {SCHEMA} CASCADE")
        database.close()


def environment(database: Database, stub: str) -> dict[str, str]:
    """What we and the worker are told: in Oban's variables, in ours and in the provider's."""
    url = database.engine.url
    return {
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "OBAN_DSN": url.set(drivername="postgresql").render_as_string(hide_password=False),
        "OBAN_PREFIX": SCHEMA,
        "OBAN_QUEUES": "default:2",
        "OBAN_CRON_MODULES": "oban_worker",
        "ANTHROPIC_BASE_URL": stub,
        "ANTHROPIC_API_KEY": "stub",
    }


def work(stub: StubMessagesAPI) -> None:
    """Print what a worker logs, until the run is done. After its first step there is an outage."""
    outages = [Overloaded()]
    with subprocess.Popen(
        [sys.executable, "-m", "oban", "start"],
        cwd=Path(__file__).parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            for line in worker.stderr or ():
                if " kclassify: " in line:
                    print(line, end="")
                if "EnqueueNext(" in line and outages:
                    stub.set_fault(outages.pop())
                if "SnoozeFor(" in line:
                    stub.set_fault(None)
                if "Stop(" in line or "Fail(" in line:
                    return
        finally:
            worker.terminate()
    raise SystemExit("the worker has ended")


if __name__ == "__main__":
    demonstrate(sys.argv[1] if len(sys.argv) > 1 else URL)
