"""Peak memory of a process that commits a table: the window bounds it, not the corpus."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from kclassify import Database
from tests.benchmarks.conftest import Record
from tests.benchmarks.ratios import Ratio
from tests.benchmarks.test_division import ROOT, fill

MB = 2**20
BOUND_MB = 30


def peak(folder: Path, count: int) -> float:
    """In MB, with bodies of 2 kB."""
    path = folder / f"{count}.db"
    with closing(Database(f"sqlite:///{path}", create=True)) as database:
        fill(database, "integer", count)
    command = [sys.executable, "-m", "tests.benchmarks.memory", str(path)]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for left in folder.glob(f"{count}.db*"):
        left.unlink()
    return int(ended.stdout) / MB


def compare(folder: Path, count: int, told: str, record: Record) -> None:
    small, large = peak(folder, 10_000), peak(folder, count)
    record(
        Ratio(
            group="memory",
            subject=f"what a commit of {told} rows takes beyond that of 10,000",
            reference=f"{BOUND_MB} MB",
            ratio=(large - small) / BOUND_MB,
            at_most=1,
            detail=f"{large:.0f} and {small:.0f} MB",
        )
    )


@pytest.mark.timeout(900)
def test_memory_is_flat_from_ten_thousand_to_two_hundred_thousand_items(
    tmp_path: Path, record: Record
) -> None:
    compare(tmp_path, 200_000, "200,000", record)


@pytest.mark.timeout(7200)
def test_memory_is_flat_from_ten_thousand_to_two_million_items(
    tmp_path: Path, record: Record
) -> None:
    compare(tmp_path, 2_000_000, "two million", record)
