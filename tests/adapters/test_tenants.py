"""The tenants of a table, and the start of a run for each, as an application calls it."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text

from kclassify.adapters.job import Job
from kclassify.adapters.kick import kick
from kclassify.adapters.tenants import start_every_tenant
from kclassify.adapters.translate import run_step
from kclassify.config import RunnerSettings
from kclassify.core.passes import Mode
from kclassify.core.taxonomy import Taxonomy
from kclassify.database import Database
from kclassify.runner import ReclassifyRunner
from kclassify.sources.sql import SqlSource
from kclassify.sources.tenants import PAGE, TenantColumn, rows_of_tenant
from kclassify.store import LedgerReader, SqlLedger
from kclassify.testing.scripted import ScriptedClassifier
from kclassify.writers import ColumnWriter

TAXONOMY = Taxonomy.from_toml("""
name = "topics"
category = [{name = "left", definition = "left"}, {name = "right", definition = "right"}]
""")


class InList:
    """A job system that is a list."""

    name = "listed"

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        assert after_s == 0
        self.jobs.append(job)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/articles.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    with closing(Database(url, create=True)) as opened:
        yield opened


def fill(database: Database, tenants: int, rows_each: int) -> None:
    with database.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, label TEXT, owner TEXT)"
            )
        )
        connection.execute(
            text("INSERT INTO articles (id, body, owner) VALUES (:id, :body, :owner)"),
            [
                {"id": n, "body": f"text {n}", "owner": f"t{n % tenants:05}"}
                for n in range(tenants * rows_each)
            ],
        )


def test_tenants_are_read_in_pages_by_value(database: Database) -> None:
    fill(database, 2 * PAGE + 500, 1)
    pages: list[str] = []

    def note(*given: object) -> None:
        if "DISTINCT" in str(given[2]):
            pages.append(str(given[3]))

    event.listen(database.engine, "before_cursor_execute", note)
    found = list(TenantColumn(database, "articles", "owner").tenants())
    assert found == [f"t{n:05}" for n in range(2 * PAGE + 500)]
    assert ["t" in page for page in pages] == [False, True, True, True]
    assert [f"t{n * PAGE - 1:05}" in pages[n] for n in (1, 2)] == [True, True]


def test_each_tenant_is_worked_on_and_a_second_start_changes_nothing(database: Database) -> None:
    fill(database, 5, 3)
    jobs = InList()

    @contextmanager
    def build(job: Job) -> Generator[ReclassifyRunner]:
        assert job.tenant is not None
        yield ReclassifyRunner(
            name=job.run,
            source=SqlSource(
                database,
                "articles",
                key="id",
                body="body",
                current="label",
                filter=rows_of_tenant(database, "owner", job.tenant),
            ),
            classifier=ScriptedClassifier(TAXONOMY, lambda _: "left"),
            ledger=SqlLedger(database),
            writer=ColumnWriter(database, "articles", key="id", current="label"),
            settings=RunnerSettings(shards=2),
        )

    job = Job(run="articles", mode=Mode.COMMIT, override="a test")
    column = TenantColumn(database, "articles", "owner")
    begun = list(start_every_tenant(build, database, jobs, job, column.tenants()))
    assert [each.run for each in begun] == [f"articles/t0000{n}" for n in range(5)]
    assert all(len(each.jobs) == 2 for each in begun)
    again = list(start_every_tenant(build, database, jobs, job, column.tenants()))
    assert all(each.jobs == () and each.decision is None for each in again)
    assert kick(database, jobs) == []
    for each in list(jobs.jobs):
        run_step(build, each)
    reader = LedgerReader(database)
    assert [each.settled for each in reader.runs()] == [3] * 5
    with database.connect() as connection:
        left = connection.scalar(text("SELECT count(*) FROM articles WHERE label = 'left'"))
    assert left == 15


def test_starting_many_tenants_does_not_slow_down(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/articles.db", create=True)) as database:
        fill(database, 200, 1)
        classifier = ScriptedClassifier(TAXONOMY, lambda _: "left")

        @contextmanager
        def build(job: Job) -> Generator[ReclassifyRunner]:
            filtered = rows_of_tenant(database, "owner", str(job.tenant))
            yield ReclassifyRunner(
                name=job.run,
                source=SqlSource(
                    database, "articles", key="id", body="body", current="label", filter=filtered
                ),
                classifier=classifier,
                ledger=SqlLedger(database),
            )

        jobs, seconds = InList(), list[float]()
        column = TenantColumn(database, "articles", "owner")
        begun_at = time.perf_counter()
        for _ in start_every_tenant(build, database, jobs, Job(run="a"), column.tenants()):
            seconds.append(time.perf_counter() - begun_at)
        first, second = seconds[99], seconds[199] - seconds[99]
    assert len(jobs.jobs) == 200
    assert second < 3 * first
