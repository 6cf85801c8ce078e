from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing

import pytest

from kclassify import Database
from tests.benchmarks.conftest import Record
from tests.benchmarks.ratios import Ratio
from tests.benchmarks.test_division import ROOT, fill


def figures(database: Database, count: int) -> dict[str, float]:
    fill(database, "integer", count)
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.benchmarks.first_call", url]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(ended.stdout))


@pytest.mark.timeout(1800)
def test_a_run_of_two_million_rows_in_four_shards_begins_in_seconds_and_flat_memory(
    database: Database, record: Record
) -> None:
    with closing(database):
        small = figures(database, 10_000)
        large = figures(database, 2_000_000)
    first_call_s = large["from a step to its first call"]
    assert first_call_s < 1
    record(
        Ratio(
            group="memory",
            subject=f"to begin on two million rows in four shards, {database.engine.dialect.name}",
            reference="to begin on 10,000",
            ratio=large["peak"] / small["peak"],
            at_most=1.2,
            detail=f"{large['to begin']:.1f} s to begin, {first_call_s:.2f} s to the first call",
        )
    )
