from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score
from statsmodels.stats.contingency_tables import mcnemar

from kclassify.errors import UsageError
from kclassify.evals.design import Design
from kclassify.evals.paired import macro_f1_difference, mid_p, paired_test
from tests.evals.worlds import LABELS, ORDINARY


def test_the_four_kinds_of_pairs_are_counted() -> None:
    found = paired_test([True, True, False, False, False], [True, False, True, True, False])
    assert (found.both_right, found.only_candidate, found.only_baseline, found.both_wrong) == (
        (1, 2, 1, 1)
    )
    assert found.n == 5


@pytest.mark.parametrize(("gained", "lost"), [(1, 0), (8, 2), (2, 8), (30, 17), (400, 350)])
def test_mid_p_is_the_exact_value_of_statsmodels_less_what_was_seen(gained: int, lost: int) -> None:
    result: Any = mcnemar([[0, gained], [lost, 0]], exact=True)
    exact = float(result.pvalue)
    seen = stats.binom.pmf(gained, gained + lost, 0.5)
    assert mid_p(gained, lost) == pytest.approx(exact - seen)
    assert mid_p(gained, lost) < exact


def test_mid_p_of_a_tie_is_as_fagerland_has_it() -> None:
    assert mid_p(3, 3) == pytest.approx(1 - stats.binom.pmf(3, 6, 0.5) / 2)


def test_without_discordant_pairs_nothing_is_shown() -> None:
    found = paired_test([True, False], [True, False])
    assert found.p_value == 1.0
    assert found.p_regression == pytest.approx(0.5)


def test_a_regression_is_likely_when_the_baseline_wins_the_pairs() -> None:
    worse = paired_test([True] * 9 + [False], [False] * 9 + [True])
    assert worse.p_regression == pytest.approx(stats.beta.cdf(0.5, 1.5, 9.5))
    assert worse.p_regression > 0.99
    better = paired_test([False] * 9 + [True], [True] * 9 + [False])
    assert better.p_regression == pytest.approx(1 - worse.p_regression)


def test_rows_that_one_variant_did_not_answer_must_be_left_out_first() -> None:
    with pytest.raises(UsageError, match="same rows twice"):
        paired_test([True], [True, False])


def test_the_difference_of_macro_f1_is_paired() -> None:
    numbers = np.random.default_rng(4)
    rows = ORDINARY.draw(400, numbers)
    gold, baseline = ([LABELS[at] for at in side] for side in (rows.gold, rows.predicted))
    candidate = [*gold[:20], *baseline[20:]]
    found = macro_f1_difference(
        gold, baseline, candidate, Design.simple(400), LABELS, seed=1, replicates=500
    )
    assert found is not None
    assert found.estimate == pytest.approx(
        _macro_f1(gold, candidate) - _macro_f1(gold, baseline), abs=1e-12
    )
    assert 0 < found.low <= found.estimate <= found.high
    # Resampled apart, each has an interval of its own that is as wide as 0.1.
    assert found.high - found.low < 0.05
    again = macro_f1_difference(
        gold, baseline, candidate, Design.simple(400), LABELS, seed=1, replicates=500
    )
    assert again == found


def test_the_same_answers_differ_by_nothing() -> None:
    gold, said = ["a", "b", "a", "b"] * 5, ["a", "b", "b", "b"] * 5
    found = macro_f1_difference(
        gold, said, said, Design.simple(20), ["a", "b", "c"], seed=1, replicates=50
    )
    assert found is not None
    assert (found.estimate, found.low, found.high) == (0.0, 0.0, 0.0)
    assert macro_f1_difference([], [], [], Design.simple(0), ["a"], seed=1, replicates=9) is None


def test_the_difference_weighs_the_rows() -> None:
    gold, baseline, candidate = ["a", "b", "a", "b"], ["a", "a", "a", "b"], ["a", "b", "b", "b"]
    weights = np.array([1.0, 1.0, 9.0, 1.0])
    weighted = Design(weights, np.zeros(4, dtype=np.int64), np.arange(4))
    equal = Design.simple(4)
    found = [
        macro_f1_difference(gold, baseline, candidate, d, ["a", "b"], seed=0, replicates=50)
        for d in (equal, weighted)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].estimate == pytest.approx(0.0)
    assert found[1].estimate < -0.2


def _macro_f1(gold: list[str], said: list[str]) -> float:
    return float(f1_score(gold, said, average="macro"))
