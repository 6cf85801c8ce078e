from __future__ import annotations

import math
from dataclasses import replace

import pytest

from kclassify.core.availability import Availability, Breaker, RecentCalls
from kclassify.core.decision import Halt, Snooze
from kclassify.core.policy import RetryPolicy, SnoozePolicy
from tests.core.corpus import unavailable

DAY = 86_400


def provider(breaker: Breaker | None = None) -> Availability:
    return Availability(SnoozePolicy(), RetryPolicy(), breaker or Breaker())


def recent_calls(*answered: bool) -> RecentCalls:
    recent = RecentCalls(SnoozePolicy(), RetryPolicy())
    for number, was_answered in enumerate(answered):
        recent.observe(number, answered=was_answered)
    return recent


def test_a_snooze_has_its_seconds_left_and_never_more_whatever_the_clock_does() -> None:
    breaker = Breaker().tripped(now=1_000.0, seconds=60)
    assert breaker.remaining(1_000.0) == 60
    assert breaker.remaining(1_030.0) == 30
    assert breaker.remaining(1_059.9) == 1
    assert breaker.remaining(1_060.0) == 0
    assert breaker.remaining(9e9) == 0
    assert breaker.remaining(-5e9) == 60


def test_the_outage_began_with_its_first_snooze() -> None:
    breaker = Breaker().tripped(1_000.0, 60).tripped(1_070.0, 120)
    assert breaker == Breaker(snoozes=2, until=1_190.0, seconds=120, outage_since=1_000.0)


def test_a_breaker_that_nobody_looked_at_for_a_day_tells_of_no_outage() -> None:
    breaker = Breaker().tripped(now=0.0, seconds=60)
    assert breaker.without_stale(60.0 + DAY, DAY) is breaker
    assert breaker.without_stale(61.0 + DAY, DAY) == Breaker()


def test_an_outage_takes_enough_observations_and_half_of_them() -> None:
    assert not recent_calls(*[False] * 4).is_outage()
    assert recent_calls(*[False] * 5).is_outage()
    assert not recent_calls(*[True] * 4, *[False] * 3).is_outage()
    assert recent_calls(*[True] * 4, *[False] * 4).is_outage()


def test_only_the_last_fifty_calls_count() -> None:
    assert recent_calls(*[True] * 1_000, *[False] * 25).is_outage()
    assert not recent_calls(*[False] * 30, *[True] * 50).is_outage()


def test_what_was_answered_long_ago_says_nothing_of_now() -> None:
    recent = recent_calls(*[True] * 50)
    recent.now = 30.0
    for number in range(50, 55):
        recent.observe(number, answered=False)
    assert not recent.is_outage()
    recent.now = 30.1
    assert recent.is_outage()


def test_where_calls_are_rare_the_last_few_count_however_old() -> None:
    recent = recent_calls(*[True] * 50)
    for number in range(50, 54):
        recent.now += 1_000.0
        recent.observe(number, answered=False)
        assert not recent.is_outage()
    recent.now += 1_000.0
    recent.observe(54, answered=False)
    assert recent.is_outage()


def test_one_answer_among_a_few_slow_calls_is_no_outage() -> None:
    recent = recent_calls(*[True] * 50)
    for number in range(50, 70):
        recent.now += 8.0
        recent.observe(number, answered=number % 5 == 0)
        assert not recent.is_outage()


def test_the_failures_of_one_item_count_once() -> None:
    recent = recent_calls(True, True)
    for _ in range(20):
        recent.observe(99, answered=False)
    assert not recent.is_outage()


def test_the_air_is_clear_when_fewer_than_a_tenth_of_the_others_failed() -> None:
    assert not recent_calls().is_clear_for(0)
    assert recent_calls(False, True).is_clear_for(0)
    assert not recent_calls(False, False, True).is_clear_for(0)
    assert not recent_calls(False, False, *[True] * 9).is_clear_for(0)
    assert recent_calls(False, False, *[True] * 10).is_clear_for(0)


def test_failures_of_an_item_with_a_record_are_no_sign_of_an_outage() -> None:
    available = provider()
    for number in range(20):
        available.failed(number, unavailable(), has_record=True)
    assert not bool(available.outage)
    for number in range(5):
        available.failed(number, unavailable(), has_record=False)
    assert available.outage == "too many calls without an answer (unavailable: nobody is there)"


def test_a_canary_without_an_answer_is_an_outage_at_once() -> None:
    available = provider()
    available.canary_failed(unavailable())
    assert available.outage == "still no answer (unavailable: nobody is there)"


def test_an_answer_ends_the_count_of_snoozes() -> None:
    available = provider(Breaker(3, until=100.0, seconds=480, outage_since=1.0))
    assert available.needs_canary
    available.answered(None)
    assert not available.needs_canary
    assert available.breaker == Breaker()


def test_a_snooze_lasts_as_long_as_the_longest_retry_after() -> None:
    available = provider()
    for number, wait in enumerate([5.0, 3600.0, None, 7.0, None]):
        available.failed(number, unavailable(retry_after_s=wait), has_record=False)
    snooze = available.snooze(available.outage, 0.0, now=0.0, jitter=0.0)
    assert snooze == Snooze(3600, "too many calls without an answer (unavailable: nobody is there)")


def test_snoozes_grow_while_the_canary_fails() -> None:
    available, now, lengths = provider(), 0.0, list[int]()
    for _ in range(6):
        available.canary_failed(unavailable())
        snooze = available.snooze(available.outage, 0.0, now, jitter=0.0)
        assert isinstance(snooze, Snooze)
        lengths.append(snooze.seconds)
        now += snooze.seconds
        available.resume()
    assert lengths == [1, 2, 2, 2, 3, 3]


def test_an_outage_of_more_than_a_day_is_a_halt_after_which_patience_is_new() -> None:
    breaker = Breaker(90, until=DAY, seconds=120, outage_since=0.0)
    available = provider(breaker)
    decision = available.snooze("still no answer", 0.0, now=DAY + 1.0, jitter=0.0)
    assert decision == Halt("the provider has not answered for 24.0 hours: still no answer")
    assert available.breaker == replace(breaker, outage_since=DAY + 1.0)
    again = provider(available.breaker)
    assert again.needs_canary
    assert isinstance(again.snooze("still no answer", 0.0, now=DAY + 60.0, jitter=0.0), Snooze)
    again.answered(None)
    assert again.breaker == Breaker()


def test_a_weekend_between_two_steps_is_no_outage_of_a_weekend() -> None:
    available = provider(Breaker(2, until=120.0, seconds=120, outage_since=0.0))
    decision = available.snooze("still no answer", 0.0, now=3.0 * DAY, jitter=0.0)
    assert decision == Snooze(1, "still no answer")
    assert available.breaker.outage_since == 3.0 * DAY


@pytest.mark.parametrize("wait", [DAY + 1.0, 30.0 * DAY, math.inf])
def test_a_wait_of_more_than_a_day_is_a_halt_and_no_snooze_until_month_end(wait: float) -> None:
    available = provider()
    available.canary_failed(unavailable(retry_after_s=wait))
    decision = available.snooze(available.outage, 0.0, now=0.0, jitter=0.0)
    assert isinstance(decision, Halt)
    assert "the provider asks for a wait of" in decision.reason


def test_a_failure_while_the_provider_recovers_asks_for_another_canary() -> None:
    available = provider(Breaker(1, until=0.0, seconds=60, outage_since=0.0))
    available.answered(None)
    available.failed(4, unavailable(), has_record=False)
    assert available.needs_canary
    available.answered(None)
    assert available.is_clear_for(4)
    assert available.is_recovering
