"""A commit after a dry run: every verdict is recalled, every row is written and audited."""

from __future__ import annotations

import itertools
import time
from contextlib import closing

import anyio
import pytest
import sqlalchemy as sa

from kclassify import (
    ColumnWriter,
    Database,
    Done,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
)
from kclassify.testing import ScriptedClassifier
from tests.benchmarks import row_by_row
from tests.benchmarks.conftest import Alternate, Record
from tests.benchmarks.ratios import Ratio
from tests.small import TAXONOMY
from tests.tables import is_sqlite, rows, run

ROWS, ROWS_ONE_BY_ONE = 20_000, 1000
MARKS = {"sqlite": 20_000, "postgresql": 10_000}


def fresh(database: Database, count: int) -> None:
    run(
        database,
        "DROP TABLE IF EXISTS articles",
        "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)",
    )
    table = sa.table("articles", sa.column("id"), sa.column("body"), sa.column("category"))
    body = "x" * 400
    values = [{"id": n, "body": f"{n} {body}", "category": "old"} for n in range(count)]
    with database.begin() as connection:
        connection.execute(table.insert(), values)


def runner(database: Database, name: str) -> ReclassifyRunner:
    return ReclassifyRunner(
        source=SqlSource(database, "articles", key="id", body="body", current="category"),
        classifier=ScriptedClassifier(TAXONOMY, lambda item: "left", keep_asked=False),
        ledger=SqlLedger(database),
        writer=ColumnWriter(database, "articles", key="id", current="category"),
        name=name,
        settings=RunnerSettings(max_concurrency=50),
    )


async def dry_run(database: Database) -> None:
    assert await runner(database, "dry").dry_run() == Done()


async def commit(database: Database, name: str) -> float:
    """Rows a second, of a run that asks nobody."""
    recalling = runner(database, name)
    began = time.perf_counter()
    assert await recalling.commit(override="benchmark") == Done()
    return ROWS / (time.perf_counter() - began)


def is_written(database: Database, count: int) -> bool:
    found = rows(database, "SELECT count(*) FROM articles WHERE category = 'left'")
    return found == [(count,)]


def wait_for_the_disk(database: Database) -> None:
    """The databases of other tests do not: here it is part of what is measured."""
    if not is_sqlite(database):
        name = database.engine.url.database
        run(database, f'ALTER DATABASE "{name}" SET synchronous_commit = on')
        database.engine.dispose()


@pytest.mark.timeout(600)
def test_a_commit_that_recalls_everything_writes_in_groups(
    database: Database, alternate: Alternate, record: Record
) -> None:
    names = (f"commit {number}" for number in itertools.count())

    def in_groups() -> float:
        fresh(database, ROWS)
        rate = anyio.run(commit, database, next(names))
        assert is_written(database, ROWS)
        return rate

    def one_by_one() -> float:
        fresh(database, ROWS_ONE_BY_ONE)
        began = time.perf_counter()
        row_by_row.write(database.engine, range(ROWS_ONE_BY_ONE))
        rate = ROWS_ONE_BY_ONE / (time.perf_counter() - began)
        assert is_written(database, ROWS_ONE_BY_ONE)
        return rate

    with closing(database):
        wait_for_the_disk(database)
        fresh(database, ROWS)
        anyio.run(dry_run, database)
        medians = alternate(in_groups, one_by_one, 3)
    backend = database.engine.dialect.name
    subject, mark = f"rows a second of a commit that recalls, {backend}", MARKS[backend]
    told = f"{medians.subject:,.0f} and {medians.reference:,.0f} rows a second"
    beside = "ORM rows, a commit each"
    record(
        Ratio(
            group="writes",
            subject=subject,
            reference=beside,
            ratio=medians.ratio,
            at_least=1,
            detail=told,
        )
    )
    record(
        Ratio(
            group="writes",
            subject=subject,
            reference=f"{mark:,}",
            ratio=medians.subject / mark,
            at_least=1,
            detail="audit included",
        )
    )
