"""Begins a run of four shards and prints what it took until the first call: `first_call.py URL`."""

from __future__ import annotations

import json
import re
import sys
import time
from contextlib import closing
from pathlib import Path

import anyio

from kclassify import Database, Item, ReclassifyRunner, RunnerSettings, SqlLedger, SqlSource
from kclassify.testing import ScriptedClassifier
from tests.small import TAXONOMY


def peak() -> int:
    status = Path("/proc/self/status").read_text()  # ru_maxrss would hold the parent's peak too
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


async def measured(database: Database) -> dict[str, float]:
    """Seconds, and bytes of memory at the most, of a process that takes a step of one shard."""
    asked_at: list[float] = []

    def answer(_: Item) -> str:
        asked_at.append(time.perf_counter())
        return "left"

    runner = ReclassifyRunner(
        source=SqlSource(database, "articles", key="id", body="body", current="category"),
        classifier=ScriptedClassifier(TAXONOMY, answer),
        ledger=SqlLedger(database),
        name=f"run at {time.time()}",
        settings=RunnerSettings(shards=4),
    )
    began = time.perf_counter()
    await runner.prepare()
    prepared = time.perf_counter()
    await runner.step(shard=3, budget_s=3)
    return {
        "to begin": prepared - began,
        "from a step to its first call": asked_at[0] - prepared,
        "calls": len(asked_at),
        "peak": peak(),
    }


if __name__ == "__main__":
    with closing(Database(sys.argv[1])) as given:
        print(json.dumps(anyio.run(measured, given)))
