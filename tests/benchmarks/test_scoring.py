"""Ten thousand rows in 77 categories: the bootstrap over cells beside a loop over rows."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from kclassify.core.metrics import ConfusionMatrix
from kclassify.core.verdict import Verdict, judged
from kclassify.evals.labelled import Answered, LabelledItem
from kclassify.evals.scores import score
from tests.benchmarks.conftest import Alternate, Record
from tests.benchmarks.ratios import Ratio

ROWS, CATEGORIES, REPLICATES, LOOPS = 10_000, 77, 1000, 5
LABELS = [f"intent-{number:02}" for number in range(CATEGORIES)]


def answers(*, stratified: bool) -> list[Answered]:
    numbers = np.random.default_rng(1)
    gold = numbers.integers(0, CATEGORIES, ROWS)
    said = np.where(numbers.random(ROWS) < 0.9, gold, numbers.integers(0, CATEGORIES, ROWS))
    weights = numbers.choice([1.0, 5.0, 20.0], ROWS)
    return [
        Answered(
            LabelledItem(
                id=f"{place:05}",
                body="text",
                gold=LABELS[gold[place]],
                weight=float(weights[place]) if stratified else None,
                stratum=f"{weights[place]}" if stratified else None,
            ),
            judged(Verdict(LABELS[said[place]], 0.9, "benchmark")),
        )
        for place in range(ROWS)
    ]


def told_rows(*, stratified: bool) -> str:
    return f"{ROWS:,} rows in {CATEGORIES} categories{', stratified' if stratified else ''}"


def loop(rows: list[Answered], replicates: int) -> list[tuple[float | None, float | None]]:
    """What a bootstrap is in its first words: draw the rows again, score them again."""
    numbers = np.random.default_rng(1)
    found = []
    for _ in range(replicates):
        drawn = [rows[place] for place in numbers.integers(0, len(rows), len(rows))]
        pairs = ((str(each.row.gold), str(each.label), 1.0) for each in drawn)
        matrix = ConfusionMatrix.of(LABELS, pairs)
        found.append((matrix.macro_f1, matrix.kappa))
    return found


@pytest.mark.parametrize("stratified", [False, True], ids=["simple", "stratified"])
def test_ten_thousand_rows_in_77_categories_score_in_seconds(
    benchmark: Any, record: Record, *, stratified: bool
) -> None:
    rows = answers(stratified=stratified)
    found = benchmark.pedantic(
        score, (rows, LABELS), {"replicates": REPLICATES}, rounds=3, warmup_rounds=1
    )
    assert found.answered == ROWS
    record(
        Ratio(
            group="evaluation",
            subject=f"seconds to score {told_rows(stratified=stratified)}",
            reference="three seconds",
            ratio=benchmark.stats.stats.min / 3,
            at_most=1,
        )
    )


def test_the_bootstrap_over_cells_is_far_quicker_than_a_loop_over_rows(
    alternate: Alternate, record: Record
) -> None:
    rows = answers(stratified=False)
    score(rows, LABELS, replicates=1)  # what is imported and what every replicate needs

    def seconds_of_cells() -> float:
        began = time.process_time()
        score(rows, LABELS, replicates=REPLICATES)
        return time.process_time() - began

    def seconds_of_loop() -> float:
        began = time.process_time()
        loop(rows, LOOPS)
        return (time.process_time() - began) * REPLICATES / LOOPS

    cells, over_rows = alternate(seconds_of_cells, seconds_of_loop, 3)
    record(
        Ratio(
            group="evaluation",
            subject="a bootstrap over cells",
            reference="a loop over rows",
            ratio=cells / over_rows,
            at_most=1 / 20,
            detail=f"{REPLICATES:,} replicates of {ROWS:,} rows: {cells:.2f} and {over_rows:.0f} s",
        )
    )


def test_scoring_stays_below_two_hundred_megabytes(record: Record) -> None:
    rows = answers(stratified=True)
    tracemalloc.start()
    try:
        score(rows, LABELS, replicates=REPLICATES)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    record(
        Ratio(
            group="evaluation",
            subject=f"memory to score {told_rows(stratified=True)}",
            reference="200 MB",
            ratio=peak / (200 * 2**20),
            at_most=1,
        )
    )
