from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from kclassify.errors import UsageError
from kclassify.evals.veto import holm, vetoes


def test_fifteen_labels_veto_the_category_that_pulls_and_no_other() -> None:
    found = vetoes({"playbook": (6, 15), "essay": (14, 15)}, floor=0.85, alpha=0.05)
    playbook, essay = found
    assert (playbook.label, playbook.vetoed) == ("playbook", True)
    assert (1 - playbook.interval.high, 1 - playbook.interval.low) == pytest.approx(
        (0.32, 0.84), abs=0.005
    )
    assert not essay.vetoed


def test_fifteen_right_of_fifteen_certify_nothing() -> None:
    (found,) = vetoes({"essay": (15, 15)}, floor=0.85, alpha=0.05)
    assert (found.vetoed, found.p_value) == (False, 1.0)
    assert found.interval.low == pytest.approx(0.782, abs=0.001)


def test_holm_is_that_of_statsmodels_over_exact_tests() -> None:
    groups = {str(place): (place, 20) for place in range(8, 21)}
    raw = [stats.binomtest(right, n, 0.85, "less").pvalue for right, n in groups.values()]
    rejected, adjusted = multipletests(raw, alpha=0.05, method="holm")[:2]
    found = vetoes(groups, floor=0.85, alpha=0.05)
    assert [each.vetoed for each in found] == rejected.tolist()
    assert [each.p_value for each in found] == pytest.approx(adjusted)
    assert 0 < sum(rejected) < len(rejected)


def test_more_categories_ask_for_more_evidence() -> None:
    alone = vetoes({"a": (11, 16)}, floor=0.85, alpha=0.10)
    among = vetoes({"a": (11, 16)} | {str(n): (16, 16) for n in range(20)}, floor=0.85, alpha=0.10)
    assert (alone[0].vetoed, among[0].vetoed) == (True, False)


def test_a_category_without_labelled_proposals_is_left_out() -> None:
    assert vetoes({"a": (0, 0)}, floor=0.85, alpha=0.05) == ()
    assert holm([]) == []


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(UsageError, match="'a' cannot have 3 right of 2"):
        vetoes({"a": (3, 2)}, floor=0.85, alpha=0.05)


def test_the_false_alarm_over_ten_categories_is_below_alpha_exactly() -> None:
    """All ten at the floor, with 20 labels each: P(any veto), summed and not simulated."""
    counts = np.arange(21)
    alarming = [
        vetoes({"a": (int(x), 20)} | {str(n): (20, 20) for n in range(9)}, floor=0.85, alpha=0.05)[
            0
        ].vetoed
        for x in counts
    ]
    one = float(stats.binom.pmf(counts, 20, 0.85)[alarming].sum())
    assert 1 - (1 - one) ** 10 <= 0.05
