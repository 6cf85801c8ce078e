from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import anyio
import pytest

from tests.benchmarks.conftest import Alternate, Record
from tests.benchmarks.ratios import Ratio
from tests.benchmarks.window import Kept, run_batches, run_window

BATCHES = "batches of 100 with a barrier"
FULL = "concurrency / mean latency"
SLOW_S, FAST_S = 0.7, 0.06
"""Median latencies, with means of about 950 and 80 ms."""


def kept_by_window(rows: int, concurrency: int, median_s: float) -> Kept:
    with TemporaryDirectory() as folder:
        return anyio.run(run_window, Path(folder), rows, concurrency, median_s)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("concurrency", "rows", "rows_in_batches"),
    [(10, 500, 800), (50, 2500, 2000), (200, 8000, 2000)],
)
def test_the_window_keeps_the_concurrency_full(
    concurrency: int, rows: int, rows_in_batches: int, alternate: Alternate, record: Record
) -> None:
    cores: list[float] = []

    def window() -> float:
        kept = kept_by_window(rows, concurrency, SLOW_S)
        cores.append(kept.core)
        return kept.full

    # What a barrier wastes is a share of the latency, however long: the short one saves minutes.
    def batches() -> float:
        return anyio.run(run_batches, rows_in_batches, concurrency, FAST_S)

    full, barrier = alternate(window, batches, 3)
    subject = f"the window at concurrency {concurrency}"
    record(
        Ratio(group="window", subject=subject, reference=BATCHES, ratio=full / barrier, at_least=1)
    )
    record(
        Ratio(
            group="window",
            subject=subject,
            reference=FULL,
            ratio=full,
            at_least=0.97,
            detail=f"{BATCHES}: {barrier:.2f}; {median(cores):.2f} of one core",
        )
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("concurrency", "rows"), [(10, 800), (50, 4000), (200, 12_000)])
def test_how_full_the_window_stays_where_the_core_is_the_limit(
    concurrency: int, rows: int, record: Record
) -> None:
    kept = sorted(kept_by_window(rows, concurrency, FAST_S) for _ in range(3))[1]
    record(
        Ratio(
            group="window",
            subject=f"the window at concurrency {concurrency}, twelve times as fast a provider",
            reference=FULL,
            ratio=kept.full,
            detail=f"{kept.core:.2f} of one core",
        )
    )
