from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import anyio
import pytest

from tests.benchmarks.conftest import Alternate, Record
from tests.benchmarks.ratios import Ratio
from tests.benchmarks.window import run_batches, run_window

BATCHES = "batches of 100 with a barrier"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("concurrency", "rows", "rows_in_batches"),
    [(10, 800, 800), (50, 4000, 2000), (200, 12_000, 2000)],
)
def test_the_window_keeps_the_concurrency_full(
    concurrency: int, rows: int, rows_in_batches: int, alternate: Alternate, record: Record
) -> None:
    cores: list[float] = []

    def window() -> float:
        with TemporaryDirectory() as folder:
            kept = anyio.run(run_window, Path(folder), rows, concurrency)
        cores.append(kept.core)
        return kept.full

    def batches() -> float:
        return anyio.run(run_batches, rows_in_batches, concurrency)

    full, barrier = alternate(window, batches, 3)
    subject = f"the window at concurrency {concurrency}"
    record(
        Ratio(group="window", subject=subject, reference=BATCHES, ratio=full / barrier, at_least=1)
    )
    record(
        Ratio(
            group="window",
            subject=subject,
            reference="concurrency / mean latency",
            ratio=full,
            at_least=0.97,
            detail=f"{BATCHES}: {barrier:.2f}; {median(cores):.2f} of one core",
        )
    )
