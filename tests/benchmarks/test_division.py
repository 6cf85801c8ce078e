from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from kclassify import Database
from tests.benchmarks.conftest import Record
from tests.benchmarks.ratios import Ratio
from tests.tables import rows, run

ROOT = Path(__file__).parents[2]
SQLITE = """
    WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {rows})
    INSERT INTO articles SELECT {key}, substr(hex(randomblob(980)), 1, 1960), 'left' FROM series
"""
POSTGRESQL = """
    INSERT INTO articles
    SELECT {key}, left(repeat(md5(n::text), 62), 1960), 'left' FROM generate_series(1, {rows}) n
"""
KEYS = {
    ("sqlite", "integer"): ("INTEGER", "n"),
    ("sqlite", "text"): ("TEXT", "lower(hex(randomblob(16)))"),
    ("postgresql", "integer"): ("BIGINT", "n"),
    ("postgresql", "text"): ('TEXT COLLATE "en-x-icu"', "md5(n::text)"),
}


def fill(database: Database, kind: str, count: int) -> None:
    backend = database.engine.dialect.name
    declared, key = KEYS[backend, kind]
    columns = f"id {declared} PRIMARY KEY, body TEXT, category TEXT"
    insert = SQLITE if backend == "sqlite" else POSTGRESQL
    run(
        database,
        "DROP TABLE IF EXISTS articles",
        f"CREATE TABLE articles ({columns})",
        insert.format(rows=count, key=key),
    )
    if backend == "postgresql":
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("VACUUM ANALYZE articles")


def spilled(database: Database) -> int:
    """Bytes that the server sorted on disk, 0 on SQLite."""
    if database.engine.dialect.name == "sqlite":
        return 0
    query = "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"
    return int(rows(database, query)[0][0])


def figures(database: Database, kind: str, count: int) -> dict[str, float]:
    fill(database, kind, count)
    before = spilled(database)
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.benchmarks.division", url]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return {**json.loads(ended.stdout), "spilled": spilled(database) - before}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["integer", "text"])
def test_two_million_rows_of_two_kilobytes_are_divided_in_seconds_and_flat_memory(
    database: Database, kind: str, record: Record
) -> None:
    with closing(database):
        small = figures(database, kind, 10_000)
        large = figures(database, kind, 2_000_000)
    told = [f"{name} {large[name]:.3f} s" for name in large if name not in {"peak", "spilled"}]
    assert large["spilled"] == 0
    assert large["divide(64)"] < 30
    assert large["a first page of 500"] < 1
    record(
        Ratio(
            group="memory",
            subject=f"to divide two million rows, {database.engine.dialect.name}, {kind} keys",
            reference="to divide 10,000",
            ratio=large["peak"] / small["peak"],
            at_most=1.2,
            detail=", ".join(told),
        )
    )
