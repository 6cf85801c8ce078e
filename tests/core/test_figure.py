from __future__ import annotations

import random
from statistics import fmean

import pytest
from scipy import stats

from kclassify.core.figure import Figure, exactly, mean_from_sums, mean_of, share_of


def test_a_sample_of_all_there_is_knows_the_mean() -> None:
    assert mean_of([1.0, 5.0], 2) == exactly(3.0)
    assert mean_of([7.0], 1) == exactly(7.0)


@pytest.mark.parametrize(("sample", "population"), [([], 0), ([], 3), ([1.0], 2), ([1.0, 2.0], 1)])
def test_a_sample_that_says_nothing_is_refused(sample: list[float], population: int) -> None:
    with pytest.raises(ValueError, match="says nothing of"):
        mean_of(sample, population)


@pytest.mark.parametrize("count", [2, 3, 4, 6, 30, 200])
def test_the_interval_is_students(count: int) -> None:
    sample = [float(n * n % 17 + 100) for n in range(count)]
    found = mean_of(sample, 10**12)
    low, high = stats.t.interval(0.95, count - 1, loc=fmean(sample), scale=stats.sem(sample))
    assert found.low == pytest.approx(max(0.0, low), rel=2e-3)
    assert found.high == pytest.approx(high, rel=2e-3)


def test_the_correction_for_a_finite_population_is_the_root_of_what_is_left() -> None:
    sample = [100.0, 120.0, 90.0, 130.0, 105.0]
    whole, half = mean_of(sample, 10**12), mean_of(sample, 10)
    assert half.high - half.value == pytest.approx((whole.high - whole.value) * 0.5**0.5)


def test_the_interval_holds_the_mean_of_a_skewed_population_95_times_of_100() -> None:
    chance = random.Random(1)
    population = [chance.lognormvariate(6, 0.6) for _ in range(1000)]
    truth = fmean(population)
    found = [mean_of(chance.sample(population, 200), 1000) for _ in range(2000)]
    held = sum(each.low <= truth <= each.high for each in found)
    assert 0.93 < held / 2000 < 0.97


def test_sums_say_the_same_as_the_values() -> None:
    values = [28.0, 30.0, 31.0, 60.0]
    found = mean_from_sums(4, sum(values), sum(v * v for v in values))
    expected = mean_of(values, 10**15)
    assert found.value == expected.value
    assert found.high == pytest.approx(expected.high)
    with pytest.raises(ValueError, match="1 values"):
        mean_from_sums(1, 3.0, 9.0)


@pytest.mark.parametrize(("hits", "count"), [(0, 50), (10, 40), (7, 7)])
def test_the_interval_of_a_share_is_wilsons(hits: int, count: int) -> None:
    expected = stats.binomtest(hits, count).proportion_ci(method="wilson")
    found = share_of(hits, count)
    assert found.value == hits / count
    assert found.low == pytest.approx(expected.low, abs=1e-9)
    assert found.high == pytest.approx(expected.high, abs=1e-9)


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="share of nothing"):
        share_of(0, 0)


def test_figures_are_widened_and_never_below_zero() -> None:
    assert Figure(10, 8, 12).widened(0.25) == Figure(10, 6, 15)
    assert Figure(10, 8, 12).less(exactly(9)) == Figure(1, 0, 3)
    assert Figure(10, 8, 12).widened(3).low == 0
