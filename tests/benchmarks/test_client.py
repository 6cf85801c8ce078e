"""The real client against a stub in another process: where our own processor time is the limit."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from kclassify import (
    Classifier,
    ColumnWriter,
    Done,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
)
from kclassify.events import CallEnded, Event
from tests.benchmarks.conftest import Record
from tests.benchmarks.ratios import Ratio
from tests.benchmarks.window import make_table
from tests.small import TAXONOMY


@pytest.fixture
def stub_url() -> Iterator[str]:
    command = [sys.executable, "-m", "kclassify.testing.stub", "--fixed", "left", "--keep", "0"]
    latency = ["--latency", "60ms-lognormal-0.8-800ms"]
    with subprocess.Popen([*command, *latency], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield next(word for word in process.stdout.readline().split() if word.startswith("http"))
        process.terminate()


@dataclass
class Calls:
    """Each call's length, and when it ended, by the wall and by our processor time: in seconds."""

    took: list[float] = field(default_factory=list[float])
    wall: list[float] = field(default_factory=list[float])
    processor: list[float] = field(default_factory=list[float])

    def __call__(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self.took.append(event.seconds)
            self.wall.append(time.perf_counter())
            self.processor.append(time.process_time())

    def between_tenths(self) -> tuple[int, float, float, float]:
        """Calls, seconds of wall, seconds of processor, mean length of a call."""
        first, last = len(self.took) // 10, len(self.took) - len(self.took) // 10 - 1
        wall = self.wall[last] - self.wall[first]
        processor = self.processor[last] - self.processor[first]
        took = self.took[first:last]
        return len(took), wall, processor, sum(took) / len(took)


async def commit(folder: Path, rows: int, concurrency: int, url: str) -> Calls:
    database = make_table(folder / "articles.db", rows)
    calls = Calls()
    async with Classifier(TAXONOMY, base_url=url, api_key="stub") as classifier:
        runner = ReclassifyRunner(
            source=SqlSource(database, "articles", key="id", body="body", current="category"),
            classifier=classifier,
            ledger=SqlLedger(database),
            writer=ColumnWriter(database, "articles", key="id", current="category"),
            settings=RunnerSettings(max_concurrency=concurrency),
            listeners=[calls],
        )
        assert await runner.commit(override="benchmark") == Done()
    database.close()
    return calls


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("concurrency", "rows"), [(10, 600), (50, 1500)])
def test_the_real_client_keeps_its_places_full(
    concurrency: int, rows: int, tmp_path: Path, stub_url: str, record: Record
) -> None:
    calls = anyio.run(commit, tmp_path, rows, concurrency, stub_url)
    count, wall, processor, mean = calls.between_tenths()
    full = count * mean / wall / concurrency
    assert len(calls.took) == rows
    record(
        Ratio(
            group="window",
            subject=f"the real client at concurrency {concurrency}",
            reference="concurrency / mean latency",
            ratio=full,
            at_least=0.8,
            detail=f"{processor / wall:.2f} of one core at {count / wall:,.0f} items a second",
        )
    )
