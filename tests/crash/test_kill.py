"""kill -9 at random moments of one commit, each followed by a resume."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kclassify import Database, SqlSource, Verification, verify
from kclassify.core.item import digest_of
from kclassify.testing import FixedLatency, Random, StubMessagesAPI, calls_seen, extract_item

from .worker import TAXONOMY

KILLS = int(os.environ.get("KCLASSIFY_KILLS", "6"))
CONCURRENCY = 10
WORKER = Path(__file__).with_name("worker.py")


BY_NIGHT = [pytest.mark.services, pytest.mark.nightly]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=BY_NIGHT)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'articles.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


POSTGRES_FUNCTION = """
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO updates VALUES (new.id, new.category); RETURN new; END $$
"""


def fill(engine: sa.Engine, rows: int) -> None:
    """A table without any constraint that would hide a double write, and a trigger that counts."""
    is_sqlite = engine.dialect.name == "sqlite"
    statements = [
        "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)",
        "CREATE TABLE updates (id INTEGER, category TEXT)",
    ]
    if is_sqlite:
        statements.append(
            "CREATE TRIGGER seen AFTER UPDATE ON articles BEGIN "
            "INSERT INTO updates VALUES (new.id, new.category); END"
        )
    else:
        statements += [
            POSTGRES_FUNCTION,
            "CREATE TRIGGER seen AFTER UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION note()",
        ]
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.execute(
            sa.text("INSERT INTO articles VALUES (:id, :body, 'old')"),
            [{"id": n, "body": f"The text of article {n}."} for n in range(rows)],
        )


def start(url: str, stub: StubMessagesAPI) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), url, stub.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WORKER.parents[2] / "src")},
    )


def kill_at_random(process: subprocess.Popen[str], moments: random.Random) -> bool:
    """Whether it was killed at work; False when it was done before."""
    assert process.stdout is not None
    if process.stdout.readline() != "working\n":
        process.wait()
        return False
    time.sleep(moments.uniform(0.0, 0.6))
    process.kill()
    process.communicate()
    return process.returncode == -9


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_minus_nine_loses_nothing_and_repeats_nothing(url: str, engine: sa.Engine) -> None:
    rows = 40 * KILLS
    fill(engine, rows)
    moments = random.Random(7)
    kills = 0
    with StubMessagesAPI(Random(3, lowest=0.8), latency=FixedLatency(0.15)) as stub:
        while kills < KILLS and kill_at_random(start(url, stub), moments):
            kills += 1
        last = start(url, stub)
        _, errors = last.communicate(timeout=300)
        assert last.returncode == 0, errors
        report = examine(engine, stub, rows)
        verification = check(url, stub)
    print(f"{engine.dialect.name}: {kills} kills, {report}")
    assert kills == KILLS
    assert verification.findings == verification.remarks == ()
    assert report["outcomes"] == report["distinct outcomes"] == rows
    assert report["rows written twice"] == 0
    assert report["table differs from audit"] == 0
    assert report["answered"] <= rows + kills * CONCURRENCY
    assert report["asked again beyond those in flight"] == 0


def check(url: str, stub: StubMessagesAPI) -> Verification:
    database = Database(url)
    found = verify(
        database,
        "killed",
        source=SqlSource(database, "articles", key="id", body="body", current="category"),
        taxonomy=TAXONOMY,
        calls=calls_seen(stub),
        alone=True,
        max_concurrency=CONCURRENCY,
    )
    database.close()
    return found


def examine(engine: sa.Engine, stub: StubMessagesAPI, rows: int) -> dict[str, Any]:
    asked = Counter(
        digest_of("", extract_item(record.body["messages"][-1]["content"]).body)
        for record in stub.requests
        if record.body is not None
    )
    with engine.connect() as connection:
        query = connection.exec_driver_sql
        table = {row[0]: row[1] for row in query("SELECT id, category FROM articles")}
        audit = {
            int(key.removeprefix("i:")): after
            for key, after in query(
                "SELECT item_key, after FROM kclassify_change WHERE status = 'written'"
            )
        }
        updates = Counter(row[0] for row in query("SELECT id FROM updates"))
        outcomes = [row[0] for row in query("SELECT item_key FROM kclassify_outcome")]
    expected = {key: audit.get(key, "old") for key in table}
    return {
        "rows": rows,
        "outcomes": len(outcomes),
        "distinct outcomes": len(set(outcomes)),
        "changes": len(audit),
        "rows written twice": sum(count > 1 for count in updates.values()),
        "table differs from audit": sum(table[key] != expected[key] for key in table),
        "answered": stub.count,
        "asked more than once": sum(count > 1 for count in asked.values()),
        "asked again beyond those in flight": max(
            0, sum(asked.values()) - rows - KILLS * CONCURRENCY
        ),
    }
