"""Relabels a PostgreSQL table in the jobs of procrastinate.

    python examples/procrastinate_worker.py postgresql://user@host/name

It makes a database of its own beside that one, works a run to its end and drops it. With
ANTHROPIC_API_KEY set it asks Anthropic; without a key it starts the stub API of kclassify.testing
(extra `testing`). A real worker imports `app`:

    procrastinate --app=procrastinate_worker.app worker
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from procrastinate import App, PsycopgConnector
from sqlalchemy import create_engine, make_url

from kclassify import Database, Mode
from kclassify.adapters.from_config import from_config, settings_of
from kclassify.adapters.job import Job
from kclassify.adapters.kick import start
from kclassify.adapters.procrastinate import ProcrastinateJobs
from kclassify.testing import Fixed, StubMessagesAPI

# It is the main program here, and imported by real workers: procrastinate warns of the first.
logging.getLogger("procrastinate.blueprints").setLevel(logging.ERROR)
URL = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1/postgres")
app = App(connector=PsycopgConnector(conninfo=URL))
jobs = ProcrastinateJobs(app, queue=os.environ.get("KCLASSIFY_QUEUE", "kclassify"))

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
INSERT INTO articles (body) SELECT format('%s. Stop it. Start it.', n) FROM generate_series(1, 50) n
"""


def work(config: Path) -> None:
    """What `kclassify start` and a worker do; the worker ends when no job is left."""
    with app.open():
        app.schema_manager.apply_schema()
    job = Job(run="articles", mode=Mode.COMMIT, override="an example", config=str(config))
    with closing(Database(settings_of(job).ledger_url)) as ledger, from_config(job) as runner:
        start(runner, ledger, jobs, job)
    with app.open():
        app.run_worker(wait=False)


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements by themselves; the rows of the last one, if any."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        results = [connection.exec_driver_sql(statement) for statement in statements]
        found = [tuple(row) for row in results[-1]] if results[-1].returns_rows else []
    engine.dispose()
    return found


def main(server: str) -> None:
    """The whole life of a run."""
    given = make_url(server).set(drivername="postgresql+psycopg")
    own = given.set(database=f"kclassify_example_{os.getpid()}")
    url, base = (each.render_as_string(hide_password=False) for each in (own, given))
    with ExitStack() as stack:
        if not os.environ.get("ANTHROPIC_API_KEY"):
            stub = stack.enter_context(StubMessagesAPI(Fixed("playbook", 0.9)))
            os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "kclassify.toml").write_text(SETTINGS.format(url=url))
        (folder / "taxonomy.toml").write_text(TAXONOMY)
        run(base, f"CREATE DATABASE {own.database}")
        stack.callback(run, base, f"DROP DATABASE {own.database} WITH (FORCE)")
        run(url, *ARTICLES.split(";"))
        conninfo = own.set(drivername="postgresql").render_as_string(hide_password=False)
        stack.enter_context(app.replace_connector(PsycopgConnector(conninfo=conninfo)))
        work(folder / "kclassify.toml")
        print(*run(url, "SELECT label, count(*) FROM articles GROUP BY label"))
        print(*run(url, "SELECT task_name, status, attempts FROM procrastinate_jobs"), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else URL)
