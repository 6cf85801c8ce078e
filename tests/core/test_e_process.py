from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.e_process import EProcess, log_e_value

nulls = st.floats(0.01, 0.99)
counts = st.integers(0, 400)
CANARY = EProcess(target=0.9, delta=0.05)


def log_expected_step(successes: int, failures: int, null: float, rate: float) -> float:
    """The logarithm of what the e-value is expected to be after one more label."""
    after_failure = math.log(rate) + log_e_value(successes, failures + 1, null=null)
    after_success = math.log1p(-rate) + log_e_value(successes + 1, failures, null=null)
    most = max(after_failure, after_success)
    return most + math.log(math.exp(after_failure - most) + math.exp(after_success - most))


@given(counts, counts, nulls, st.floats(0.001, 1.0))
def test_under_the_null_it_is_never_expected_to_grow(
    successes: int, failures: int, null: float, share: float
) -> None:
    before = log_e_value(successes, failures, null=null)
    after = log_expected_step(successes, failures, null, null * share)
    assert after <= before + 1e-9 * max(1.0, abs(before))


@pytest.mark.parametrize("null", [0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", [1, 7, 40])
def test_its_expectation_at_the_null_is_exactly_one(null: float, n: int) -> None:
    expected = sum(
        math.comb(n, wrong) * null**wrong * (1 - null) ** (n - wrong)
        * EProcess.e_value(n - wrong, wrong, null=null)
        for wrong in range(n + 1)
    )  # fmt: skip
    assert expected == pytest.approx(1.0)


@given(counts, counts, nulls)
def test_each_failure_is_evidence_and_each_success_is_evidence_against(
    successes: int, failures: int, null: float
) -> None:
    here = log_e_value(successes, failures, null=null)
    assert log_e_value(successes, failures + 1, null=null) > here
    assert log_e_value(successes + 1, failures, null=null) < here


def test_without_labels_there_is_no_evidence() -> None:
    assert EProcess.e_value(0, 0, null=0.1) == pytest.approx(1.0)
    assert not CANARY.is_drift(0, 0)
    assert not CANARY.is_certified(0, 0)


def test_a_run_of_errors_halts_and_the_errors_that_were_allowed_do_not() -> None:
    assert CANARY.is_drift(right=2, wrong=5)
    assert not CANARY.is_drift(right=90, wrong=10)
    assert not CANARY.is_drift(right=9, wrong=2)


def test_labelling_may_end_when_more_than_the_target_are_shown_to_be_right() -> None:
    assert CANARY.is_certified(right=200, wrong=5)
    assert not CANARY.is_certified(right=180, wrong=20)
    assert not CANARY.is_certified(right=20, wrong=0)


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.05, 0.95))
def test_drift_and_certainty_mirror_each_other(right: int, wrong: int, target: float) -> None:
    here, mirrored = EProcess(target), EProcess(1 - target)
    assert here.certainty_value(right, wrong) == pytest.approx(mirrored.drift_value(wrong, right))
    assert not (here.is_drift(right, wrong) and here.is_certified(right, wrong))


def test_overwhelming_evidence_is_infinite_and_not_an_error() -> None:
    assert EProcess.e_value(0, 100_000, null=0.1) == math.inf
    assert EProcess.e_value(10_000_000, 0, null=0.1) == 0.0


@pytest.mark.parametrize("null", [0.0, 1.0, -1.0, math.nan])
def test_impossible_settings_are_refused(null: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        EProcess.e_value(1, 1, null=null)
    with pytest.raises(ValueError, match="between 0 and 1"):
        EProcess(target=null)
    with pytest.raises(ValueError, match="between 0 and 1"):
        EProcess(target=0.9, delta=null)
    with pytest.raises(ValueError, match="not negative"):
        EProcess.e_value(-1, 0, null=0.1)
