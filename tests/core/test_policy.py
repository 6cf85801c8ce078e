from __future__ import annotations

import pytest

from kclassify.core.policy import (
    Action,
    Change,
    RetryPolicy,
    RunPolicy,
    SnoozePolicy,
    WritePolicy,
)
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict, judged


def says(label: str, confidence: float) -> Outcome[str]:
    return judged(Verdict(label, confidence, "model"))


def test_a_confident_change_is_written() -> None:
    assert WritePolicy().decide(7, "old", says("new", 0.75)) == Change(7, "old", "new", 0.75)


def test_a_row_without_a_label_gets_one() -> None:
    assert WritePolicy().decide(7, None, says("new", 0.9)) == Change(7, None, "new", 0.9)


@pytest.mark.parametrize(
    ("outcome", "action"),
    [
        (says("old", 0.1), Action.SAME),
        (says("new", 0.74), Action.UNCONFIDENT),
        (Outcome[str](OutcomeKind.ABSTAINED), Action.ABSTAINED),
        (Outcome[str](OutcomeKind.REFUSED), Action.FAILED),
        (Outcome[str](OutcomeKind.EMPTY), Action.FAILED),
        (Outcome[str](OutcomeKind.TIMED_OUT), Action.FAILED),
    ],
)
def test_anything_else_leaves_the_row_as_it_is(outcome: Outcome[str], action: Action) -> None:
    assert WritePolicy().decide(7, "old", outcome) is action


def test_a_category_may_have_a_threshold_of_its_own() -> None:
    policy = WritePolicy(0.5, {"quote": 0.95})
    assert policy.decide(7, "old", says("quote", 0.9)) is Action.UNCONFIDENT
    assert isinstance(policy.decide(7, "old", says("idea", 0.5)), Change)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_zero_to_one_is_refused_by_name(threshold: float) -> None:
    with pytest.raises(ValueError, match="min_confidence"):
        WritePolicy(threshold)
    with pytest.raises(ValueError, match="quote"):
        WritePolicy(by_category={"quote": threshold})


@pytest.mark.parametrize(
    ("failures", "observed", "is_outage"),
    [(4, 4, False), (5, 5, True), (3, 6, True), (2, 5, False), (0, 50, False), (25, 50, True)],
)
def test_an_outage_is_half_of_enough_calls(failures: int, observed: int, is_outage: bool) -> None:
    assert SnoozePolicy().is_outage(failures, observed) is is_outage


@pytest.mark.parametrize(
    ("count", "seconds"), [(0, 1), (1, 2), (4, 3), (12, 9), (26, 115), (27, 120), (5_000, 120)]
)
def test_snoozes_grow_up_to_two_minutes(count: int, seconds: int) -> None:
    assert SnoozePolicy().duration(count, 0.0, 0.0) == seconds


def test_jitter_only_lengthens_by_a_tenth_at_most() -> None:
    lengths = [SnoozePolicy(seconds=60).duration(0, 0.0, jitter / 100) for jitter in range(100)]
    assert (min(lengths), max(lengths)) == (60, 65)
    assert lengths == sorted(lengths)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.99])
def test_a_snooze_is_never_shorter_than_the_provider_asked(jitter: float) -> None:
    assert SnoozePolicy().duration(0, 3600.0, jitter) >= 3600
    assert SnoozePolicy().duration(9, 61.5, jitter) >= 62
    assert SnoozePolicy().duration(27, 61.5, jitter) >= 120


def test_a_retry_backs_off_up_to_its_limit_whatever_retry_after_says() -> None:
    retry = RetryPolicy()
    waits = [retry.backoff(count) for count in (0, 1, 2, 3, 6, 5_000)]
    assert waits == [0.25, 0.25, 0.5, 1, 8, 30]
    assert [retry.backoff(count, is_throttled=True) for count in (1, 2, 6)] == [1, 2, 30]
    assert retry.backoff(1, 9.0) == 9
    assert retry.backoff(1, 3600.0) == 30


def test_an_item_ends_after_three_failures_or_six_within_seconds() -> None:
    retry = RetryPolicy()
    assert [retry.is_spent(held, spread_s=5.0) for held in (2, 3)] == [False, True]
    assert [retry.is_spent(held, spread_s=4.9) for held in (3, 5, 6)] == [False, False, True]


@pytest.mark.parametrize("error_rate", [0.0, -1.0, 1.1])
def test_an_error_rate_outside_zero_to_one_is_refused(error_rate: float) -> None:
    with pytest.raises(ValueError, match="snooze_error_rate"):
        SnoozePolicy(error_rate=error_rate)


def test_a_snooze_of_no_time_and_a_run_of_no_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="snooze_seconds"):
        SnoozePolicy(seconds=0.5)
    with pytest.raises(ValueError, match="max_concurrency"):
        RunPolicy(max_concurrency=0)


def test_the_window_is_ten_times_the_concurrency_and_never_tiny() -> None:
    assert RunPolicy(max_concurrency=10).window == 500
    assert RunPolicy(max_concurrency=200).window == 2_000
