from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics

from kclassify.evals import bootstrap
from kclassify.evals.bootstrap import percentile, replicate_scores, replicate_tables, widened
from kclassify.evals.design import Design
from kclassify.evals.intervals import wilson
from kclassify.evals.label_table import LabelTable, number_labels
from tests.evals.worlds import ORDINARY, Rows

SKLEARN: Any = metrics
LABELS = list(range(10))
Ints = NDArray[np.int64]


def drawn(rows: int, seed: int = 1) -> Rows:
    return ORDINARY.draw(rows, np.random.default_rng(seed))


def table_of(rows: Rows) -> LabelTable:
    return LabelTable.of(rows.gold, rows.predicted, 10)


def weighted(rows: int, seed: int = 2) -> Design:
    numbers = np.random.default_rng(seed)
    strata = numbers.integers(0, 4, rows)
    return Design(np.array([1.0, 2.0, 5.0, 20.0])[strata], strata, np.arange(rows))


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([0.5, 1.0, 7.0])),
        min_size=1,
        max_size=40,
    )
)
def test_the_scores_of_a_table_are_those_of_scikit_learn(
    rows: list[tuple[int, int, float]],
) -> None:
    gold, predicted, weights = (np.array(column) for column in zip(*rows, strict=True))
    table = LabelTable.of(gold, predicted, 5)
    totals = table.totals(weights)[np.newaxis]
    expected = SKLEARN.f1_score(
        gold, predicted, average="macro", sample_weight=weights, zero_division=0
    )
    assert table.macro_f1(totals)[0] == pytest.approx(expected)
    kappa = table.kappa(totals)[0]
    if len({*gold.tolist(), *predicted.tolist()}) == 1:
        assert np.isnan(kappa)  # chance alone agrees always
    else:
        expected = SKLEARN.cohen_kappa_score(gold, predicted, sample_weight=weights)
        assert kappa == pytest.approx(expected)


@pytest.mark.parametrize("design", [Design.simple(300), weighted(300)], ids=["simple", "weighted"])
def test_replicates_keep_the_total_and_centre_on_the_sample(design: Design) -> None:
    table = table_of(drawn(300))
    chunks = replicate_tables(table.cells, len(table), design, seed=1, replicates=4000)
    tables = np.concatenate(list(chunks))
    totals = table.totals(design.weights)
    assert tables.shape == (4000, len(table))
    assert tables.sum(axis=1) == pytest.approx(np.full(4000, totals.sum()))
    error = tables.std(axis=0) / np.sqrt(4000)
    assert (np.abs(tables.mean(axis=0) - totals) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("statistic", ["macro_f1", "kappa"])
def test_the_percentile_interval_is_that_of_scipy(statistic: str) -> None:
    rows = drawn(400)
    table = table_of(rows)
    ours: Callable[[NDArray[np.float64]], NDArray[np.float64]] = getattr(table, statistic)
    scores = replicate_scores(
        table.cells, Design.simple(400), ours, cell_count=len(table), seed=1, replicates=4000
    )

    def of_cells(cells: Ints) -> float:
        return float(ours(np.bincount(cells, minlength=len(table))[np.newaxis].astype(float))[0])

    theirs = stats.bootstrap(
        (table.cells,),
        of_cells,
        n_resamples=4000,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = percentile(of_cells(table.cells), scores, 400)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


@pytest.mark.parametrize("design", [Design.simple(500), weighted(500)], ids=["simple", "weighted"])
def test_the_size_of_the_chunks_changes_nothing(
    design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_of(drawn(500))

    def scores(seed: int) -> NDArray[np.float64]:
        return replicate_scores(
            table.cells, design, table.kappa, cell_count=len(table), seed=seed, replicates=100
        )

    whole, other = scores(1), scores(2)
    monkeypatch.setattr(bootstrap, "_CHUNK_VALUES", 2000)
    assert len(list(bootstrap.replicate_tables(table.cells, 50, design, seed=1, replicates=99))) > 1
    assert scores(1) == pytest.approx(whole)
    assert scores(2) == pytest.approx(other)
    assert (whole != other).any()


@pytest.mark.parametrize("make", [Design.simple, weighted], ids=["simple", "weighted"])
def test_memory_is_bounded_however_many_replicates(make: Callable[[int], Design]) -> None:
    rows = 20_000
    numbers = np.random.default_rng(3)
    gold, predicted = numbers.integers(0, 77, (2, rows))
    table, design = LabelTable.of(gold, predicted, 77), make(rows)
    tracemalloc.start()
    try:
        replicate_scores(
            table.cells, design, table.macro_f1, cell_count=len(table), seed=1, replicates=400
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200 * 2**20


def test_replicates_without_a_score_are_left_out() -> None:
    scores = np.array([np.nan, 0.2, 0.4, np.nan, 0.6])
    found = percentile(0.4, scores, 5, level=0.5)
    assert (found.low, found.high) == pytest.approx((0.3, 0.5))
    with pytest.raises(ValueError, match="no replicate has a score"):
        percentile(0.4, np.full(3, np.nan), 5)
    assert widened(0.4, np.full(3, np.nan), 5) is None


def test_the_interval_holds_its_estimate() -> None:
    found = percentile(0.9, np.array([0.5, 0.6, 0.7]), 3)
    assert found.high == 0.9


def test_where_every_row_is_right_the_interval_is_wilsons_and_no_point() -> None:
    scores = np.ones(100)
    assert percentile(1.0, scores, 15).low == 1
    found = widened(1.0, scores, 15)
    assert found is not None
    assert found.low == pytest.approx(wilson(15, 15).low)
    assert found.high == 1


def test_where_errors_are_many_the_widened_interval_is_close_to_the_percentiles() -> None:
    numbers = np.random.default_rng(4)
    scores = numbers.binomial(1000, 0.8, 5000) / 1000
    found, plain = widened(0.8, scores, 1000), percentile(0.8, scores, 1000)
    assert found is not None
    assert found.low <= plain.low < 0.78
    assert found.high >= plain.high > 0.82
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.002)


def test_agreement_no_better_than_chance_keeps_the_percentile_interval() -> None:
    scores = np.linspace(-0.3, 0.1, 101)
    assert widened(-0.1, scores, 50) == percentile(-0.1, scores, 50)


def test_labels_are_numbered_by_their_place() -> None:
    assert number_labels(["b", "a", "b"], ["a", "b"]).tolist() == [1, 0, 1]
    with pytest.raises(KeyError):
        number_labels(["c"], ["a", "b"])
