from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from kclassify.errors import UsageError
from kclassify.evals.paired import mid_p, paired_test
from kclassify.evals.planner import (
    labels_to_certify,
    mcnemar_power,
    more_labels,
    more_rows,
    rows_to_show,
)

TABLE = {
    (0.02, 0.05): 950, (0.02, 0.10): 1949, (0.02, 0.15): 2934, (0.02, 0.25): 4901,
    (0.03, 0.05): 409, (0.03, 0.10): 862, (0.03, 0.15): 1299, (0.03, 0.25): 2175,
    (0.05, 0.10): 305, (0.05, 0.15): 461, (0.05, 0.25): 779,
    (0.10, 0.15): 107, (0.10, 0.25): 190,
}  # fmt: skip


@pytest.mark.parametrize(("difference", "discordance"), TABLE)
def test_the_published_table_is_reproduced(difference: float, discordance: float) -> None:
    assert rows_to_show(difference, discordance) == TABLE[difference, discordance]


@pytest.mark.parametrize(
    ("difference", "discordance"), [(0.05, 0.05), (0.10, 0.05), (0.10, 0.10), (0.2, 0.1)]
)
def test_a_difference_that_the_discordance_cannot_make_is_refused(
    difference: float, discordance: float
) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        rows_to_show(difference, discordance)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, math.nan, math.inf])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        rows_to_show(share, 0.1)
    with pytest.raises(UsageError, match="between 0 and 1"):
        labels_to_certify(0.99, share, 0.1)
    with pytest.raises(UsageError, match="between 0 and 1"):
        more_labels(9, 10, 0.8, share)


def test_the_power_is_that_of_the_test_itself() -> None:
    numbers = np.random.default_rng(1)
    wins = numbers.multinomial(305, [0.075, 0.025, 0.9], size=4000)
    shown = [mid_p(int(b), int(c)) <= 0.05 and b > c for b, c, _ in wins]
    assert np.mean(shown) == pytest.approx(mcnemar_power(305, 0.05, 0.10, 0.05), abs=0.02)
    assert mcnemar_power(304, 0.05, 0.10, 0.05) < 0.8 <= mcnemar_power(305, 0.05, 0.10, 0.05)


@pytest.mark.parametrize(("difference", "discordance"), [(0.4, 0.6), (0.10, 0.15), (0.03, 0.05)])
def test_no_smaller_sample_has_the_power(difference: float, discordance: float) -> None:
    rows = rows_to_show(difference, discordance)
    fewer = range(max(1, rows - 100), rows)
    assert all(mcnemar_power(n, difference, discordance, 0.05) < 0.8 for n in fewer)


def test_a_tiny_difference_needs_no_patience_to_plan() -> None:
    assert rows_to_show(0.001, 0.02) == pytest.approx(156_000, rel=0.02)


@pytest.mark.parametrize(
    ("precision", "delta", "labels"),
    [(0.99, 0.10, 77), (0.98, 0.10, 184), (0.97, 0.10, 446), (1.0, 0.10, 45), (1.0, 0.05, 59)],
)
def test_the_labels_to_certify_95_percent_are_those_of_the_sheet(
    precision: float, delta: float, labels: int
) -> None:
    assert labels_to_certify(precision, 0.95, delta) == labels


@pytest.mark.parametrize("precision", [0.95, 0.90, 1.1, math.nan])
def test_a_precision_at_the_target_cannot_be_certified(precision: float) -> None:
    with pytest.raises(UsageError, match="above the target"):
        labels_to_certify(precision, 0.95, 0.10)


def test_a_precision_hardly_above_the_target_needs_very_many() -> None:
    assert labels_to_certify(0.951, 0.95, 0.10) == 212_262
    with pytest.raises(UsageError, match="set a lower target"):
        labels_to_certify(0.95001, 0.95, 0.10)


@pytest.mark.parametrize(("right", "n"), [(185, 200), (15, 15), (29, 30), (92, 100)])
def test_with_so_many_more_labels_of_the_same_kind_it_is_certified(right: int, n: int) -> None:
    more = more_labels(right, n, 0.9, 0.1)
    assert more is not None
    for labels, is_certified in ((n + more, True), (n + more - 1, False)):
        wrong = labels * (n - right) / n
        low, _ = proportion_confint(labels - wrong, labels, alpha=0.2, method="beta")
        assert (low >= 0.9) is is_certified


def test_nothing_more_is_needed_once_it_is_certified() -> None:
    assert more_labels(22, 22, 0.9, 0.1) == 0
    assert more_labels(21, 21, 0.9, 0.1) == 1


def test_more_of_what_is_too_often_wrong_certifies_nothing() -> None:
    assert more_labels(9, 10, 0.9, 0.1) is None
    assert more_labels(6, 15, 0.9, 0.1) is None


def test_without_a_label_as_many_are_needed_as_certify_without_an_error() -> None:
    assert more_labels(0, 0, 0.95, 0.1) == 45


def test_the_rows_that_would_show_what_was_seen() -> None:
    seen = paired_test([False] * 15 + [True] * 85, [True] * 15 + [False] * 10 + [True] * 75)
    assert more_rows(seen) == TABLE[0.05, 0.25]
    assert more_rows(paired_test([True], [True])) is None
    one_sided = more_rows(paired_test([False] * 3 + [True] * 97, [True] * 100))
    assert one_sided is not None
    assert 200 < one_sided < 600
