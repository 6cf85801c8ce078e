"""Divides a table and prints what it took, as JSON: `division.py URL`."""

from __future__ import annotations

import json
import re
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from kclassify import Database, SqlSource

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def count(database: Database) -> None:
    with database.connect() as connection:
        connection.scalar(sa.select(sa.func.count()).select_from(sa.table("articles")))


def measured(database: Database) -> dict[str, float]:
    source = SqlSource(database, "articles", key="id", body="body", current="category")
    bound = source.divide(4).bounds[1]
    figures = {
        "count": seconds(lambda: count(database)),
        "divide(4)": seconds(lambda: source.divide(4)),
        "divide(64)": seconds(lambda: source.divide(64)),
        "a first page of 500": seconds(lambda: source.part(bound, None, 500)),
    }
    status = Path("/proc/self/status").read_text()  # ru_maxrss would hold the parent's peak too
    return {**figures, "peak": int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024}  # type: ignore[index]


if __name__ == "__main__":
    with closing(Database(sys.argv[1])) as given:
        print(json.dumps(measured(given)))
