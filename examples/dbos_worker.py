"""Relabels a PostgreSQL table in a DBOS worker, which is a program of your own.

    python examples/dbos_worker.py postgresql://user@host/name

It makes a database of its own on that server, which it drops at the end, launches the worker,
starts a run, waits until it is done and shuts the worker down. With ANTHROPIC_API_KEY set it asks
Anthropic; without a key it starts the stub API of kclassify.testing (extra `testing`).

`CONFIG`, `jobs` and `work` are what a real worker has:

    export ARTICLES_URL=postgresql://user@host/name
    python examples/dbos_worker.py work                       until SIGTERM
    python examples/dbos_worker.py enqueue kclassify.toml     in any other process
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from dbos import DBOS, DBOSConfig, WorkflowHandle
from sqlalchemy import create_engine, make_url, text

from kclassify import Database, Decision, Mode
from kclassify.adapters.dbos import DbosJobs
from kclassify.adapters.from_config import from_config, settings_of
from kclassify.adapters.job import Job
from kclassify.adapters.kick import start
from kclassify.testing import Fixed, StubMessagesAPI

CONFIG: DBOSConfig = {
    "name": "articles",
    "system_database_url": os.environ.get("ARTICLES_URL"),
    "application_version": "1",  # else it changes with the code, and the runs of before wait for it
    "executor_id": os.environ.get("ARTICLES_WORKER", "worker-1"),  # one a worker, kept for ever
    "log_level": "WARNING",
}
jobs = DbosJobs(CONFIG)


def work() -> None:
    """Take the steps of the runs that are enqueued, until SIGTERM."""
    is_over = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        is_over.set()

    signal.signal(signal.SIGTERM, end)
    DBOS(config=CONFIG)
    DBOS.launch()
    is_over.wait()
    jobs.shut_down(grace_s=int(os.environ.get("ARTICLES_GRACE_S", "30")))


def enqueue(settings: str) -> list[Job] | Decision:
    """Start a commit of what these settings describe: its jobs, or why nothing is to be done."""
    job = Job(run="articles", mode=Mode.COMMIT, override="an example", config=settings)
    with closing(Database(settings_of(job).ledger_url)) as ledger, from_config(job) as runner:
        return start(runner, ledger, jobs, job)


SETTINGS = """
[source]
url = "{url}"
table = "articles"
current = "label"
[classifier]
cache = "off"  # no prompt is cached that is so short
"""
TAXONOMY = """
name = "articles"
category = [
    {name = "playbook", definition = "ordered steps that get one task done"},
    {name = "pattern", definition = "a reusable shape of a solution"},
]
"""
ARTICLES = """
CREATE TABLE articles (id serial PRIMARY KEY, body text, label text);
INSERT INTO articles (body) SELECT i || '. Do it.' FROM generate_series(1, 50) i
"""
LABELLED = text("SELECT count(*) FROM articles WHERE label = 'playbook'")


@contextmanager
def own_database(server: str) -> Generator[str]:
    """The URL of a new database, which is dropped afterwards."""
    given = make_url(server).set(drivername="postgresql+psycopg")
    own = given.set(drivername="postgresql", database=f"kclassify_example_{os.getpid()}")
    engine = create_engine(given, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {own.database}"))
        try:
            yield own.render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP DATABASE {own.database} WITH (FORCE)"))
    engine.dispose()


def demonstrate(url: str, folder: Path) -> None:
    """Relabel a table of this database."""
    (folder / "kclassify.toml").write_text(SETTINGS.format(url=url), encoding="utf-8")
    (folder / "taxonomy.toml").write_text(TAXONOMY, encoding="utf-8")
    with closing(Database(url)) as database:
        with database.begin() as connection:
            connection.execute(text(ARTICLES))
        CONFIG["system_database_url"] = url
        DBOS(config=CONFIG)
        DBOS.launch()
        enqueue(str(folder / "kclassify.toml"))
        chain: WorkflowHandle[str] = DBOS.retrieve_workflow("articles commit 1 #1")
        print(chain.get_result())
        jobs.shut_down()
        with database.connect() as connection:
            print(connection.scalar(LABELLED), "articles are playbooks")


def main() -> None:
    """The demonstration, with all that it needs."""
    with ExitStack() as stack:
        if not os.environ.get("ANTHROPIC_API_KEY"):
            stub = stack.enter_context(StubMessagesAPI(Fixed("playbook", 0.9)))
            os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
        server = sys.argv[1] if len(sys.argv) > 1 else "postgresql://postgres@127.0.0.1/postgres"
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        demonstrate(stack.enter_context(own_database(server)), Path(folder))


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        logging.basicConfig(level=logging.INFO)
        work()
    elif sys.argv[1:2] == ["enqueue"]:
        print(enqueue(sys.argv[2]))
    else:
        main()
