from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import proportion

from kclassify.core.metrics import Interval
from kclassify.evals.intervals import clopper_pearson, lower_bound, upper_bound, wilson

STATSMODELS: Any = proportion

counts = st.integers(0, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
some_counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def width(interval: Interval) -> float:
    return interval.high - interval.low


@given(counts, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_bounds_hold_the_estimate_and_lie_in_0_to_1(
    count: tuple[int, int], level: float
) -> None:
    for found in (wilson(*count, level), clopper_pearson(*count, level)):
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        assert found.level == level


@given(some_counts)
def test_both_agree_with_statsmodels_and_with_scipy(count: tuple[int, int]) -> None:
    scipys = stats.binomtest(*count)
    for found, theirs, other in (
        (wilson(*count), "wilson", scipys.proportion_ci(method="wilson")),
        (clopper_pearson(*count), "beta", scipys.proportion_ci(method="exact")),
    ):
        expected = STATSMODELS.proportion_confint(*count, method=theirs)
        assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
        assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=1e-9)


@given(some_counts, st.sampled_from([0.05, 0.1]))
def test_a_one_sided_bound_is_where_the_binomial_tail_is_alpha(
    count: tuple[int, int], alpha: float
) -> None:
    successes, n = count
    low, high = lower_bound(successes, n, alpha), upper_bound(successes, n, alpha)
    if successes:
        assert stats.binom.sf(successes - 1, n, low) == pytest.approx(alpha)
    else:
        assert low == 0
    if successes < n:
        assert stats.binom.cdf(successes, n, high) == pytest.approx(alpha)
    else:
        assert high == 1


def test_fifteen_of_fifteen_is_no_certificate() -> None:
    assert lower_bound(15, 15, 0.05) == pytest.approx(0.819, abs=0.0005)


def test_nine_wrong_of_fifteen_is_decisive() -> None:
    found = clopper_pearson(9, 15)
    assert (found.low, found.high) == pytest.approx((0.323, 0.837), abs=0.0005)


@given(st.integers(1, 50), st.integers(0, 50), st.integers(2, 20))
def test_more_rows_of_the_same_share_make_it_narrower(right: int, wrong: int, times: int) -> None:
    few, many = (right, right + wrong), (times * right, times * (right + wrong))
    assert width(wilson(*many)) < width(wilson(*few))
    assert width(clopper_pearson(*many)) < width(clopper_pearson(*few))


def test_without_rows_everything_is_possible() -> None:
    for found in (wilson(0, 0), clopper_pearson(0, 0)):
        assert (found.low, found.high, found.n) == (0, 1, 0)
    assert (lower_bound(0, 0, 0.05), upper_bound(0, 0, 0.05)) == (0, 1)


def test_an_effective_count_need_not_be_whole() -> None:
    found = wilson(7.5, 10.25)
    assert found.estimate == pytest.approx(7.5 / 10.25)
    assert wilson(7, 10).low < found.low < wilson(8, 10).low
    assert found.n == 10.25


@pytest.mark.parametrize("count", [(3, 2), (-1, 2)])
def test_more_successes_than_trials_are_refused(count: tuple[int, int]) -> None:
    for made in (wilson, clopper_pearson):
        with pytest.raises(ValueError, match="are not a proportion"):
            made(*count)
