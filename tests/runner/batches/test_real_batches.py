"""The real client over HTTP, on real databases, by processes that are killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa

from kclassify import Database, Decision, Done
from kclassify.core.batch import BatchLimits, read_custom_id
from kclassify.core.item import digest_of
from kclassify.core.orphan import CREATING_S
from kclassify.core.window import PROBE
from kclassify.testing import Random, StubMessagesAPI
from kclassify.testing.batch_rules import BatchRules
from kclassify.testing.virtual_clock import VirtualClock
from tests.runner.batches import real

REPOSITORY = Path(__file__).resolve().parents[3]
EXPIRES = BatchRules(expire_share=1 / 3, seed=5)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'articles.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    with StubMessagesAPI(Random(3, lowest=0.8), batch_rules=EXPIRES) as stub:
        yield stub


def text_of(number: int) -> str:
    return f"The text of article {number}."


def fill(engine: sa.Engine, rows: int) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)"
        )
        connection.execute(
            sa.text("INSERT INTO articles VALUES (:id, :body, 'old')"),
            [{"id": n, "body": text_of(n)} for n in range(rows)],
        )


def digest_in(name: str) -> str:
    named = read_custom_id(name)
    assert named is not None, name
    return named[1]


def check(engine: sa.Engine, stub: StubMessagesAPI, rows: int) -> None:
    """Nothing lost, nothing asked again that was answered, and the meter is the bill."""
    asked, answered = Counter[str](), Counter[str]()
    for batch in stub.batches:
        asked.update(map(digest_in, batch.custom_ids))
        answered.update(
            digest_in(name) for name, how in batch.results.items() if how == "succeeded"
        )
    expected = {digest_of("", text_of(n)) for n in range(rows)}
    probes = answered.pop(PROBE.digest, 0)
    assert set(answered) == expected
    assert set(answered.values()) == {1}
    assert stub.bill.answers == rows + probes
    with engine.connect() as connection:
        query = connection.exec_driver_sql
        outcomes = query("SELECT kind, count(*) FROM kclassify_outcome GROUP BY 1").all()
        assert [tuple(row) for row in outcomes] == [("judged", rows)]
        assert query("SELECT count(*) FROM articles WHERE category = 'old'").scalar_one() == 0
        spent = query("SELECT sum(cost), sum(uncertain), sum(held) FROM kclassify_step").one()
        assert tuple(map(int, spent)) == (stub.bill.nanodollars, 0, 0)
        held = query("SELECT sum(held) FROM kclassify_batch").scalar_one()
        assert int(held) == 0
        states = query("SELECT DISTINCT status FROM kclassify_batch").scalars().all()
        assert set(states) <= {"read", "lost"}


def test_a_real_run_in_batches_loses_nothing_and_is_charged_what_it_is_billed(
    url: str, engine: sa.Engine, stub: StubMessagesAPI
) -> None:
    rows = 300
    fill(engine, rows)
    limits = BatchLimits(requests=100, in_flight=3, poll_s=60.0)

    async def run() -> Decision:
        database = Database(url)
        async with real.classifier(stub.url, limits) as asked:
            running = real.runner(database, asked, VirtualClock(time.time()))
            said = await running.commit(override="test")
        database.close()
        return said

    assert anyio.run(run, backend="trio" if "sqlite" in url else "asyncio") == Done()
    check(engine, stub, rows)


def start(url: str, stub: StubMessagesAPI, death: str, later_s: float = 0.0) -> int:
    """The exit status of a worker that begins so much later by its clock."""
    worker = [sys.executable, "-m", "tests.runner.batches.real"]
    command = [*worker, url, stub.url, death, str(later_s)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode in {0, -9}, done.stderr
    return done.returncode


@pytest.mark.slow
async def test_batches_cost_half_of_what_calls_do(tmp_path: Path) -> None:
    rows, bills = 300, dict[str, int]()
    for transport in ("direct", "batch"):
        url = f"sqlite:///{tmp_path / transport}.db"
        engine = sa.create_engine(url)
        fill(engine, rows)
        database = Database(url)
        with StubMessagesAPI(Random(3, lowest=0.8)) as stub:
            limits = real.LIMITS if transport == "batch" else None
            async with real.classifier(stub.url, limits) as asked:
                run = real.runner(database, asked, VirtualClock(time.time()))
                assert await run.commit(override="test") == Done()
            bills[transport] = stub.bill.nanodollars
        database.close()
        engine.dispose()
    assert bills["direct"] <= 2 * bills["batch"] <= bills["direct"] + rows


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_kill_minus_nine_at_any_turn_of_a_batch_loses_nothing(
    url: str, engine: sa.Engine, stub: StubMessagesAPI
) -> None:
    rows = 5_000
    fill(engine, rows)
    for death in ("create:2", "retrieve:2", "collect:2", "plan:1"):
        assert start(url, stub, death) == -9, death
    stub.set_batch_rules(BatchRules())
    assert start(url, stub, "never", later_s=CREATING_S) == 0
    check(engine, stub, rows)
    with engine.connect() as connection:
        lost = "SELECT count(*) FROM kclassify_batch WHERE status = 'lost'"
        assert connection.exec_driver_sql(lost).scalar_one() == 1
