"""Commits a table and prints its own peak memory in bytes: `memory.py FILE`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import anyio

from kclassify import (
    ColumnWriter,
    Database,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
)
from kclassify.testing.scripted import ScriptedClassifier
from tests.small import TAXONOMY


async def commit(path: str) -> None:
    database = Database(f"sqlite:///{path}")
    runner = ReclassifyRunner(
        source=SqlSource(database, "articles", key="id", body="body", current="category"),
        classifier=ScriptedClassifier(TAXONOMY, lambda item: "right", keep_asked=False),
        ledger=SqlLedger(database),
        writer=ColumnWriter(database, "articles", key="id", current="category"),
        settings=RunnerSettings(max_concurrency=50),
    )
    await runner.commit(override="benchmark")


if __name__ == "__main__":
    anyio.run(commit, sys.argv[1])
    status = Path("/proc/self/status").read_text()  # ru_maxrss would hold the parent's peak too
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024)  # type: ignore[index]
