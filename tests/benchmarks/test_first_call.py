from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing

import pytest

from kclassify import Database
from tests.benchmarks.test_division import ROOT, fill


def figures(database: Database, count: int) -> dict[str, float]:
    fill(database, "integer", count)
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.benchmarks.first_call", url]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(ended.stdout))


@pytest.mark.timeout(1800)
def test_a_run_of_two_million_rows_in_four_shards_begins_in_seconds_and_flat_memory(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(database):
        small = figures(database, 10_000)
        large = figures(database, 2_000_000)
    growth = large["peak"] / small["peak"]
    with capsys.disabled():
        print(
            f"\n{database.engine.dialect.name}: {large['to begin']:.1f} s to begin (10,000 rows: "
            f"{small['to begin']:.1f} s), {large['from a step to its first call']:.2f} s from a "
            f"step to its first call, peak memory {growth:.2f} times that of 10,000 rows"
        )
    assert growth <= 1.2
    assert large["from a step to its first call"] < 1
