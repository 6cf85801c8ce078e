"""The sliding window beside a loop of batches with a barrier."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import anyio
import sqlalchemy as sa

from kclassify import (
    ColumnWriter,
    Database,
    Done,
    Item,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
)
from kclassify.testing.scripted import ScriptedClassifier
from tests.small import TAXONOMY

SIGMA, CUT = 0.8, 13.0
"""Of the lognormal latency, and the most that it may be, in medians."""


@dataclass
class SlowClassifier:
    """Takes its time as a provider does, and notes how long and when each call came back."""

    seed: int
    median_s: float
    ended: list[float] = field(default_factory=list[float])
    took: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        numbers = random.Random(self.seed)

        async def script(_: Item) -> str:
            began = time.perf_counter()
            await anyio.sleep(draw(numbers, self.median_s))
            self.ended.append(time.perf_counter())
            self.took.append(self.ended[-1] - began)
            return "left"

        self.port = ScriptedClassifier(TAXONOMY, script)


def draw(numbers: random.Random, median_s: float) -> float:
    return median_s * min(CUT, numbers.lognormvariate(0, SIGMA))


def make_table(path: Path, rows: int, body: str = "x" * 400) -> Database:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)"
        )
        connection.execute(
            sa.text("INSERT INTO articles VALUES (:id, :body, 'old')"),
            [{"id": n, "body": f"{n} {body}"} for n in range(rows)],
        )
    engine.dispose()
    return Database(f"sqlite:///{path}")


def efficiency(slow: SlowClassifier, concurrency: int) -> float:
    """Throughput from the first to the last tenth, over concurrency / mean latency as it was."""
    tenth = len(slow.ended) // 10
    inner = sorted(slow.ended)[tenth:-tenth]
    rate = (len(inner) - 1) / (inner[-1] - inner[0])
    mean = sum(slow.took[tenth:-tenth]) / len(slow.took[tenth:-tenth])
    return rate * mean / concurrency


class Kept(NamedTuple):
    """How full the window was, and the share of one core that it took."""

    full: float
    core: float


async def run_window(folder: Path, rows: int, concurrency: int, median_s: float) -> Kept:
    database = make_table(folder / f"window-{concurrency}.db", rows)
    slow = SlowClassifier(concurrency, median_s)
    runner = ReclassifyRunner(
        source=SqlSource(database, "articles", key="id", body="body", current="category"),
        classifier=slow.port,
        ledger=SqlLedger(database),
        writer=ColumnWriter(database, "articles", key="id", current="category"),
        settings=RunnerSettings(max_concurrency=concurrency),
    )
    began, processor = time.perf_counter(), time.process_time()
    assert await runner.commit(override="benchmark") == Done()
    core = (time.process_time() - processor) / (time.perf_counter() - began)
    database.close()
    return Kept(efficiency(slow, concurrency), core)


async def run_batches(rows: int, concurrency: int, median_s: float) -> float:
    """The loop that kclassify replaces: batches of 100, each waiting for its slowest call."""
    slow = SlowClassifier(concurrency, median_s)
    limit = anyio.CapacityLimiter(concurrency)

    async def one(number: int) -> None:
        async with limit:
            await slow.port.judge(Item(number, "text"))

    for start in range(0, rows, 100):
        async with anyio.create_task_group() as tasks:
            for number in range(start, min(start + 100, rows)):
                tasks.start_soon(one, number)
    return efficiency(slow, concurrency)
