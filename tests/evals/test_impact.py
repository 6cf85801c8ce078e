from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kclassify.errors import UsageError
from kclassify.evals.impact import impact


def test_the_labelled_writes_are_scaled_up_to_all_of_them() -> None:
    found = impact(120, 60, 20, 10_000)
    assert (found.better.estimate, found.worse.estimate, found.neutral.estimate) == (
        (6_000, 3_000, 1_000)
    )
    assert found.net.estimate == pytest.approx(3_000)
    assert found.better.low < 6_000 < found.better.high
    assert found.p_net_positive > 0.99
    assert (found.writes, found.labelled, found.net.n) == (10_000, 200, 200)


def test_the_bounds_are_those_of_the_beta_binomial() -> None:
    found = impact(40, 50, 10, 5_000)
    rest = stats.betabinom(4_900, 40.5, 61.0)
    assert found.better.low == pytest.approx(40 + rest.ppf(0.025), rel=0.01)
    assert found.better.high == pytest.approx(40 + rest.ppf(0.975), rel=0.01)


def test_labelling_every_write_leaves_no_doubt() -> None:
    found = impact(7, 5, 3, 15)
    for each, count in ((found.better, 7), (found.worse, 5), (found.neutral, 3), (found.net, 2)):
        assert (each.low, each.estimate, each.high) == (count, count, count)
    assert found.p_net_positive == 1.0
    assert impact(5, 5, 0, 10).p_net_positive == 0.0


def test_the_origin_case_is_more_likely_harm_than_help() -> None:
    found = impact(6, 9, 0, 4_000)
    assert found.p_net_positive < 0.3
    assert found.net.estimate == pytest.approx(-800)


def test_what_was_not_seen_may_still_be_there_and_may_be_nothing() -> None:
    found = impact(200, 0, 0, 10_000)
    assert found.worse.low == 0
    assert 0 < found.worse.high < 300
    assert found.better.high == 10_000
    assert impact(200, 0, 0, 100_000_000).worse.low == 0


def test_more_labelled_writes_than_writes_are_refused() -> None:
    with pytest.raises(UsageError, match="11 labelled writes cannot be a sample of 10"):
        impact(11, 0, 0, 10)


@given(*[st.integers(0, 30)] * 3, st.integers(0, 5_000))
def test_nothing_lies_outside_what_is_possible(b: int, w: int, n: int, rest: int) -> None:
    writes = b + w + n + rest
    found = impact(b, w, n, writes)
    for each, seen in ((found.better, b), (found.worse, w), (found.neutral, n)):
        assert seen <= each.low <= each.estimate + 1e-6
        assert each.estimate - 1e-6 <= each.high <= writes - (b + w + n - seen)
    assert -writes <= found.net.low <= found.net.high <= writes
    assert found == impact(b, w, n, writes)
