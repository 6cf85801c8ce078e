from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from kclassify.errors import UsageError
from kclassify.evals.design import Design, effective_counts, proportion
from kclassify.evals.intervals import wilson
from kclassify.evals.labelled import LabelledItem

Bools = NDArray[np.bool_]


def row(place: int, **settings: object) -> LabelledItem:
    return replace(LabelledItem(id=f"r{place}", body="text"), **settings)  # type: ignore[arg-type]


def bools(*values: int) -> Bools:
    return np.array(values, dtype=np.bool_)


def made(weights: list[float], strata: list[int], clusters: list[int]) -> Design:
    return Design(np.array(weights, dtype=float), np.array(strata), np.array(clusters))


ROW = st.tuples(
    st.booleans(), st.sampled_from([0.5, 1.0, 3.0, 20.0]), st.integers(0, 4), st.integers(0, 30)
)


def sampled(rows: list[tuple[bool, float, int, int]]) -> tuple[Bools, Design]:
    values, weights, strata, clusters = zip(*rows, strict=True)
    return np.array(values), made([*weights], [*strata], [*clusters])


samples = st.lists(ROW, min_size=1, max_size=40).map(sampled)


@given(samples)
def test_any_sample_has_an_interval_about_its_weighted_share(sample: tuple[Bools, Design]) -> None:
    values, design = sample
    found = proportion(values, design)
    assert found.estimate == pytest.approx(np.average(values, weights=design.weights))
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert 0 < found.n <= len(values)
    successes, trials = effective_counts(values, design)
    assert trials <= found.n + 1e-9
    assert successes <= found.estimate * trials + 1e-6


@given(samples, st.integers(0, 2**32))
def test_the_order_of_the_rows_changes_nothing(sample: tuple[Bools, Design], seed: int) -> None:
    values, design = sample
    order = np.random.default_rng(seed).permutation(len(values))
    shuffled = Design(design.weights[order], design.strata[order], design.clusters[order])
    first, again = proportion(values, design), proportion(values[order], shuffled)
    assert (again.estimate, again.low, again.high, again.n) == pytest.approx(
        (first.estimate, first.low, first.high, first.n)
    )


@given(samples, st.sampled_from([0.001, 7.0, 1e6]))
def test_the_unit_of_the_weights_changes_nothing(sample: tuple[Bools, Design], unit: float) -> None:
    values, design = sample
    first = proportion(values, design)
    again = proportion(values, Design(design.weights * unit, design.strata, design.clusters))
    assert (again.estimate, again.low, again.high) == pytest.approx(
        (first.estimate, first.low, first.high)
    )


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=30))
def test_a_weight_of_k_estimates_as_k_copies_do(rows: list[tuple[bool, int]]) -> None:
    values, times = np.array([one for one, _ in rows]), np.array([k for _, k in rows])
    weighted = made([float(k) for k in times], [0] * len(rows), list(range(len(rows))))
    copies = np.repeat(values, times)
    clustered = made(
        [1.0] * len(copies), [0] * len(copies), np.repeat(range(len(rows)), times).tolist()
    )
    by_weight, by_copy = proportion(values, weighted), proportion(copies, clustered)
    assert by_weight.estimate == pytest.approx(by_copy.estimate)
    assert by_weight.n <= len(rows)


def test_a_simple_design_is_wilsons_count() -> None:
    values = bools(1, 1, 1, 0, 1, 0, 1, 1)
    assert proportion(values, Design.simple(8)) == wilson(6, 8)
    assert effective_counts(values, Design.simple(8)) == (6, 8)
    domain = bools(1, 1, 1, 1, 0, 0, 0, 0)
    assert proportion(values, Design.simple(8), domain) == wilson(3, 4)
    assert effective_counts(values, Design.simple(8), domain) == (3, 4)


def test_rows_without_weights_strata_or_clusters_are_a_simple_design() -> None:
    assert Design.of([row(n) for n in range(5)]).is_simple
    assert Design.of([row(n, weight=7.0, stratum="s") for n in range(5)]).is_simple
    assert Design.of([]).is_simple


@pytest.mark.parametrize(
    "odd",
    [{"weight": 2.0}, {"stratum": "b"}, {"cluster_id": "c0"}],
    ids=lambda odd: next(iter(odd)),
)
def test_one_row_that_differs_makes_it_no_simple_design(odd: dict[str, object]) -> None:
    rows = [row(n, weight=1.0, stratum="a", cluster_id=f"c{n}") for n in range(4)]
    assert Design.of(rows).is_simple
    assert not Design.of([*rows[:3], replace(rows[3], **odd)]).is_simple  # type: ignore[arg-type]


def test_a_row_without_a_cluster_is_its_own_whatever_others_are_called() -> None:
    rows = [row(0), row(1, cluster_id="0"), row(2, cluster_id="0"), row(3)]
    assert len(np.unique(Design.of(rows).clusters)) == 3


def test_weights_on_some_rows_only_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"row 'r1' has no weight and others have one"):
        Design.of([row(0, weight=2.0), row(1)])


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_no_positive_number_is_refused(weight: float) -> None:
    with pytest.raises(UsageError, match="a weight is above 0"):
        Design.of([row(0, weight=1.0), row(1, weight=weight)])


def test_copies_in_clusters_count_once() -> None:
    values = np.repeat(np.arange(20) % 4 != 0, 5)
    clusters = np.repeat(np.arange(20), 5).tolist()
    found = proportion(values, made([1.0] * 100, [0] * 100, clusters))
    assert 15 < found.n < 19  # n - 1 of as many clusters, and nineteen degrees of freedom
    assert proportion(values, Design.simple(100)).n == 100


def test_strata_that_explain_the_values_do_not_count_for_more_rows_than_there_are() -> None:
    values = np.arange(100) < 50
    design = made([1.0] * 100, [0] * 49 + [1] * 51, list(range(100)))
    assert proportion(values, design).n == 100


def test_where_all_are_right_unequal_weights_still_cost_rows() -> None:
    design = made([1.0] * 50 + [100.0] * 5, [0] * 55, list(range(55)))
    found = proportion(np.ones(55, dtype=np.bool_), design)
    assert found.n == pytest.approx(550**2 / (50 + 5 * 100**2))
    assert found.low == pytest.approx(wilson(6, 6).low, abs=0.01)  # Kish: six rows of 55
    assert effective_counts(np.ones(55, dtype=np.bool_), design) == (6, 6)


def test_where_all_are_right_the_rows_of_a_cluster_count_for_one() -> None:
    design = made([1.0] * 60, [0] * 60, [n // 6 for n in range(60)])
    assert proportion(np.ones(60, dtype=np.bool_), design).n == pytest.approx(10)


@pytest.mark.parametrize(
    "strata",
    [[0, 0, 0, 0, 1], [0, 0, 1, 2, 3], [0, 1, 2, 3, 4]],
    ids=["one of them", "most", "all"],
)
def test_strata_of_one_row_are_taken_for_uncertain_rather_than_for_sure(strata: list[int]) -> None:
    values = bools(1, 0, 1, 1, 0)
    design = made([1.0, 1, 1, 1, 30], strata, list(range(5)))
    assert proportion(values, design).n == pytest.approx(34**2 / 904)  # Kish: one row of five
    assert effective_counts(values, design) == (0, 1)


def test_one_cluster_tells_as_much_as_one_row() -> None:
    assert proportion(bools(1, 0, 1, 1), made([1.0] * 4, [0] * 4, [7] * 4)).n == pytest.approx(1)


def test_a_cluster_in_two_strata_makes_them_one() -> None:
    apart = made([1.0] * 6, [0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5])
    shared = made([1.0] * 6, [0, 0, 0, 1, 1, 1], [0, 1, 2, 2, 4, 5])
    assert len(apart.units.sizes) == 2
    assert shared.units.sizes.tolist() == [5]


def test_a_few_heavy_rows_that_happen_to_be_right_certify_nothing() -> None:
    values = np.arange(104) >= 30
    design = made([1.0] * 100 + [200.0] * 4, [0] * 100 + [1] * 4, list(range(104)))
    assert proportion(values, design).estimate > 0.95
    _, trials = effective_counts(values, design)
    assert trials == 5


def test_an_empty_domain_leaves_everything_possible() -> None:
    nothing = bools(0, 0, 0)
    found = proportion(bools(1, 0, 1), made([1.0, 2, 3], [0, 0, 1], [0, 1, 2]), nothing)
    assert (found.low, found.high, found.n) == (0, 1, 0)
    assert effective_counts(bools(1, 0, 1), Design.simple(3), nothing) == (0, 0)


def test_the_standard_error_is_the_one_that_the_replicates_come_to() -> None:
    numbers = np.random.default_rng(11)
    n = 300
    design = Design(
        numbers.choice([1.0, 5.0, 20.0], n), numbers.integers(0, 6, n), np.arange(n) // 2
    )
    design = Design(design.weights, design.strata[design.clusters * 2], design.clusters)
    values, domain = numbers.random(n) < 0.8, numbers.random(n) < 0.7
    weights = np.where(domain, design.weights, 0.0)
    drawn = design.units.replicates(20_000, numbers)
    shares = drawn @ design.units.totals(weights * values) / (drawn @ design.units.totals(weights))
    share = np.average(values, weights=weights)
    closed = design.units.variance(weights * (values - share) / weights.sum())
    assert len(design.units.sizes) == 6
    assert shares.std() == pytest.approx(np.sqrt(closed), rel=0.03)
    known = stats.t.ppf(0.975, domain.sum() - 1) / stats.t.ppf(0.975, 150 - 6)
    assert len(np.unique(design.clusters[domain])) < 150
    assert proportion(values, design, domain).n == pytest.approx(
        share * (1 - share) / closed * known**2, rel=0.002
    )


@given(samples, st.integers(1, 5))
def test_a_replicate_resamples_one_cluster_less_than_each_stratum_has(
    sample: tuple[Bools, Design], seed: int
) -> None:
    units = sample[1].units
    drawn = units.replicates(3, np.random.default_rng(seed))
    of_strata = np.stack([np.bincount(units.stratum, one) for one in drawn])
    assert of_strata == pytest.approx(np.tile(units.sizes, (3, 1)))  # rescaled to the whole stratum
    scale = (units.sizes / np.maximum(units.sizes - 1, 1))[units.stratum]
    assert (drawn / scale) == pytest.approx(np.rint(drawn / scale))


def test_a_subset_keeps_the_rows_that_are_picked() -> None:
    design = made([1.0, 2, 3], [0, 1, 1], [5, 6, 7]).subset(bools(1, 0, 1))
    assert design.weights.tolist() == [1, 3]
    assert design.strata.tolist() == [0, 1]
    assert design.clusters.tolist() == [5, 7]


def test_the_variance_of_a_stratified_total_is_the_textbooks() -> None:
    values = np.array([1.0, 0, 0, 5, 7, 2, 4])
    strata = [0, 0, 0, 1, 1, 1, 1]
    units = made([1.0] * 7, strata, list(range(7))).units
    expected = 3 * values[:3].var(ddof=1) + 4 * values[3:].var(ddof=1)
    assert units.variance(values) == pytest.approx(expected)
