from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from kclassify.core.decision import Snooze
from kclassify.core.pace import Pace
from kclassify.core.policy import RunPolicy
from kclassify.core.rate_limit import RateLimit
from kclassify.core.run import Run
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from tests.core.corpus import Nature, distinct, outcome_of, unavailable
from tests.core.rate_limited import Provider, TokenBucket, run_against

GOOD = outcome_of(Nature.GOOD)
THROTTLED = OutcomeKind.THROTTLED


def paced(max_concurrency: int = 10) -> Pace:
    return Pace(RunPolicy(max_concurrency=max_concurrency))


def saying(*limits: RateLimit, outcome: Outcome[str] = GOOD) -> Outcome[str]:
    return replace(outcome, rate_limits=limits)


def started(pace: Pace, now: float, most: int = 1000) -> list[int]:
    """As many calls as may start now, named by when and which they are."""
    numbers: list[int] = []
    while len(numbers) < most and pace.may_start(now):
        number = hash((now, len(numbers)))
        pace.start(number, now)
        numbers.append(number)
    return numbers


def test_a_short_retry_after_holds_every_start_until_then() -> None:
    pace = paced()
    first, *others = started(pace, 0.0)
    pace.land(first, unavailable(THROTTLED, 7.0), 1.0)
    for number in others:
        pace.land(number, GOOD, 2.0)
    assert (started(pace, 7.9), pace.opens_at) == ([], 8.0)
    assert started(pace, 8.0)


def test_a_shorter_retry_after_does_not_end_a_longer_hold() -> None:
    pace = paced()
    first, second, *_ = started(pace, 0.0)
    pace.land(first, unavailable(THROTTLED, 7.0), 1.0)
    pace.land(second, unavailable(THROTTLED, 1.0), 1.0)
    assert pace.opens_at == 8.0


@pytest.mark.parametrize("wait", [30.1, 3600.0, math.inf, math.nan])
def test_a_long_retry_after_holds_nobody_else(wait: float) -> None:
    pace = paced()
    first, *others = started(pace, 0.0)
    pace.land(first, unavailable(THROTTLED, wait), 1.0)
    for number in others:
        pace.land(number, GOOD, 1.0)
    assert len(started(pace, 1.0)) == pace.limit


def test_without_a_retry_after_the_hold_grows_until_a_call_is_answered() -> None:
    pace, now, holds = paced(1), 0.0, list[float]()
    for _ in range(4):
        [number] = started(pace, now)
        pace.land(number, unavailable(THROTTLED), now)
        holds.append(pace.opens_at - now)
        now = pace.opens_at
    [number] = started(pace, now)
    pace.land(number, GOOD, now)
    [number] = started(pace, now)
    pace.land(number, unavailable(THROTTLED), now)
    assert [*holds, pace.opens_at - now] == pytest.approx([1.0, 2.0, 4.0, 8.0, 1.0], rel=0.05)


def test_a_snooze_ends_a_hold() -> None:
    pace = paced()
    [number] = started(pace, 0.0, most=1)
    pace.land(number, unavailable(THROTTLED, 20.0), 0.0)
    assert not pace.may_start(1.0)
    pace.resume()
    assert pace.may_start(1.0)


def test_a_clock_that_goes_back_ends_a_hold() -> None:
    pace = paced()
    [number] = started(pace, 5_000.0, most=1)
    pace.land(number, unavailable(THROTTLED, 20.0), 5_000.0)
    assert not pace.may_start(5_001.0)
    assert pace.may_start(10.0)


def test_no_more_start_than_a_header_says_are_left_and_the_next_when_one_is_back() -> None:
    pace = paced(50)
    [number] = started(pace, 0.0, most=1)
    pace.land(number, saying(RateLimit("requests", 60, 3, 57.0)), 1.0)
    assert len(started(pace, 1.0)) == 3
    assert pace.opens_at == pytest.approx(2.0)
    assert len(started(pace, 2.001)) == 1


def test_calls_that_began_since_are_taken_from_what_a_header_says() -> None:
    pace = paced(50)
    first, *_ = started(pace, 0.0, most=4)
    pace.land(first, saying(RateLimit("requests", 60, 5, 55.0)), 0.5)
    assert len(started(pace, 0.5)) == 2


def test_calls_that_began_and_ended_since_are_taken_from_what_a_header_says() -> None:
    pace = paced(50)
    slow, *quick = started(pace, 0.0, most=4)
    for number in quick:
        pace.land(number, GOOD, 0.1)
    pace.land(slow, saying(RateLimit("requests", 60, 5, 55.0)), 0.1)
    assert len(started(pace, 0.1)) == 2


def test_a_header_of_a_call_that_began_earlier_raises_nothing() -> None:
    pace = paced(50)
    slow, *_ = started(pace, 0.0, most=1)
    quick, *_ = started(pace, 1.0, most=1)
    pace.land(quick, saying(RateLimit("requests", 60, 0, 60.0)), 2.0)
    pace.land(slow, saying(RateLimit("requests", 60, 59, 1.0)), 2.0)
    assert started(pace, 2.1) == []


def test_a_header_corrects_what_another_consumer_of_the_key_took() -> None:
    pace = paced(50)
    first, second, *_ = started(pace, 0.0, most=2)
    pace.land(first, saying(RateLimit("requests", 60, 50, 10.0)), 0.5)
    pace.land(second, saying(RateLimit("requests", 60, 0, 60.0)), 0.6)
    assert (started(pace, 0.6), pace.opens_at > 1.0) == ([], True)


def test_tokens_are_counted_as_recent_calls_used_them() -> None:
    pace = paced(50)
    used = replace(GOOD, usage=Usage(900, 50, cache_write_tokens=100, cache_read_tokens=9_999))
    [number] = started(pace, 0.0, most=1)
    limit = RateLimit("input-tokens", 60_000, 2_500, 57.5)
    pace.land(number, saying(limit, outcome=used), 1.0)
    assert len(started(pace, 1.0)) == 2
    assert pace.opens_at == pytest.approx(1.5)


@pytest.mark.parametrize(
    "limit",
    [
        RateLimit("requests", 60, 0, 31_536_000.0),
        RateLimit("requests", 60, 0, -1.0),
        RateLimit("requests", 60, 0, math.nan),
        RateLimit("requests", math.nan, 0, 60.0),
        RateLimit("requests", 0, 0, 60.0),
        RateLimit("requests", 60, -5, 60.0),
        RateLimit("requests", 60, math.nan, 60.0),
        RateLimit("moons", 60, 0, 60.0),
    ],
    ids=str,
)
def test_a_limit_that_makes_no_sense_is_ignored(limit: RateLimit) -> None:
    pace = paced()
    pace.land(started(pace, 0.0)[0], saying(limit), 1.0)
    assert pace.may_start(1.0)


@pytest.mark.parametrize(
    "limit", [RateLimit("requests", 1, 0, 86_400.0), RateLimit("output-tokens", 9, 0, 86_400.0)]
)
def test_no_limit_stops_a_run_for_more_than_a_minute(limit: RateLimit) -> None:
    pace = paced()
    used = replace(GOOD, usage=Usage(output_tokens=50))
    for number in started(pace, 0.0):
        pace.land(number, saying(limit, outcome=used), 1.0)
    assert not pace.may_start(1.1)
    assert pace.opens_at <= 61.0
    assert len(started(pace, 61.0)) >= 1


def test_a_call_that_needs_more_than_a_limit_holds_starts_when_it_is_full() -> None:
    pace = paced()
    used = replace(GOOD, usage=Usage(input_tokens=500))
    limit = RateLimit("input-tokens", 100, 100, 0.0)
    for number in started(pace, 0.0):
        pace.land(number, saying(limit, outcome=used), 1.0)
    assert pace.may_start(1.0)


def test_a_run_that_holds_has_an_alarm_and_no_decision() -> None:
    run = Run(RunPolicy())
    run.admit(distinct(*[Nature.GOOD] * 20), {})
    run.end_of_source()
    first, *others = run.start(0.0)
    run.settle(first, unavailable(THROTTLED, 9.0), 1.0)
    for call in others:
        run.settle(call, GOOD, 1.0)
    run.drain(20)
    assert (run.start(2.0), run.wake_at, run.decide(2.0, 0.0)) == ([], 10.0, None)
    assert run.start(10.0)


def test_all_calls_throttled_are_an_outage_and_its_snooze_honours_the_longest_wait() -> None:
    run = Run(RunPolicy())
    run.admit(distinct(*[Nature.GOOD] * 20), {})
    for call in run.start(0.0):
        run.settle(call, unavailable(THROTTLED, 3600.0), 0.0)
    decision = run.decide(0.0, 0.0)
    assert isinstance(decision, Snooze)
    assert decision.seconds == 3600


def requests(per_minute: float = 50, burst: float | None = None) -> list[TokenBucket]:
    return [TokenBucket("requests", per_minute, burst)]


def tokens() -> list[TokenBucket]:
    """Fifty calls a minute of a thousand input tokens."""
    return [
        TokenBucket("requests", 1000),
        TokenBucket("input-tokens", 50_000),
        TokenBucket("output-tokens", 10_000),
    ]


CONCURRENCIES = [pytest.param(10, marks=pytest.mark.slow), 50]
WITH_HEADERS: dict[str, Callable[[], Provider]] = {
    "headers of the arrival": lambda: Provider(requests()),
    "headers of the answer": lambda: Provider(requests(), tells_late=True),
    "slow calls": lambda: Provider(requests(), median_s=10.0),
    "input tokens": lambda: Provider(tokens()),
    "input tokens, headers of the answer": lambda: Provider(tokens(), tells_late=True),
}
WITHOUT: dict[str, Callable[[], Provider]] = {
    "retry-after": lambda: Provider(requests(), sends_headers=False),
    "nothing at all": lambda: Provider(requests(), sends_headers=False, sends_retry_after=False),
}


@pytest.mark.parametrize("max_concurrency", CONCURRENCIES)
@pytest.mark.parametrize("make", WITH_HEADERS.values(), ids=WITH_HEADERS.keys())
def test_with_headers_the_limit_is_used_and_next_to_nothing_throttled(
    make: Callable[[], Provider], max_concurrency: int
) -> None:
    course = run_against(make(), max_concurrency)
    assert course.of_limit(50) >= 0.99
    assert course.throttled <= 0.003
    assert course.snoozes == 0


def test_texts_of_very_different_lengths_keep_within_a_limit_of_tokens() -> None:
    course = run_against(Provider(tokens(), sigma=0.6), 50)
    assert course.of_limit(50) >= 0.97
    assert course.throttled <= 0.015


@pytest.mark.parametrize("max_concurrency", CONCURRENCIES)
def test_a_bucket_that_takes_smaller_bursts_than_its_headers_say(max_concurrency: int) -> None:
    course = run_against(Provider(requests(60, burst=5)), max_concurrency)
    assert course.of_limit(60) >= 0.97
    assert course.throttled <= 0.003


@pytest.mark.parametrize("max_concurrency", CONCURRENCIES)
@pytest.mark.parametrize("make", WITHOUT.values(), ids=WITHOUT.keys())
def test_without_headers_the_rate_is_learned(
    make: Callable[[], Provider], max_concurrency: int
) -> None:
    course = run_against(make(), max_concurrency)
    assert course.of_limit(50) >= 0.97
    assert course.throttled <= 0.03
    assert course.snoozes == 0


@pytest.mark.parametrize("sends_retry_after", [True, False])
def test_without_headers_the_rate_of_a_small_bucket_is_learned(*, sends_retry_after: bool) -> None:
    bucket = requests(60, burst=5)
    provider = Provider(bucket, sends_headers=False, sends_retry_after=sends_retry_after)
    course = run_against(provider, 50)
    assert course.of_limit(60) >= 0.97
    assert course.throttled <= 0.02


def test_a_rate_that_falls_and_rises_again_is_followed_without_headers() -> None:
    bucket = TokenBucket("requests", 120, burst=10)
    provider = Provider([bucket], sends_headers=False)
    shares: list[float] = []

    def change(now: float) -> None:
        bucket.per_minute = 30 if 1800 <= now < 3600 else 120

    course = run_against(provider, 20, seconds=7200, on_turn=change)
    for begin, end, rate in (
        (600, 1800, 2.0),
        (2400, 3600, 0.5),
        (5400, 7200, 2.0),
    ):  # the rise is found within half an hour
        answered = sum(begin <= at < end for at in course.answered_at)
        shares.append(answered / (end - begin) / rate)
    assert all(share >= 0.85 for share in shares), shares
    assert course.throttled <= 0.03


@pytest.mark.slow
@pytest.mark.parametrize("sends_headers", [True, False])
def test_thousands_a_minute(*, sends_headers: bool) -> None:
    provider = Provider(requests(4000), sends_headers=sends_headers)
    course = run_against(provider, 200, seconds=600)
    assert course.of_limit(4000) >= (0.99 if sends_headers else 0.85)
    assert course.throttled <= (0.003 if sends_headers else 0.01)


def test_a_twentieth_of_failures_keeps_nobody_from_the_whole_concurrency() -> None:
    course = run_against(Provider(unavailable=0.05), 50, seconds=120)
    [reached, *_] = [at for at, limit in course.limits if limit == 50]
    assert reached <= 10
    assert all(limit == 50 for at, limit in course.limits if at > reached)
    assert course.of_limit(50 * 60) >= 0.8


def test_without_limits_all_run_at_once_within_seconds() -> None:
    course = run_against(Provider(), 50, seconds=30)
    [reached, *_] = [at for at, limit in course.limits if limit == 50]
    assert reached <= 6


@pytest.mark.parametrize(("share", "kept"), [(0.005, 0.9), (0.01, 0.8), (0.05, 0.45)])
@pytest.mark.parametrize("max_concurrency", [10, pytest.param(50, marks=pytest.mark.slow)])
def test_calls_that_are_throttled_whatever_the_pace_is_cost_little(
    share: float, kept: float, max_concurrency: int
) -> None:
    seconds = 18_000 / max_concurrency
    unhindered = run_against(Provider(), max_concurrency, seconds=seconds)
    course = run_against(Provider(throttled=share), max_concurrency, seconds=seconds)
    last_third = [at for at in course.answered_at if at >= seconds * 2 / 3]
    assert course.answers >= kept * unhindered.answers
    assert len(last_third) >= kept * unhindered.answers / 3
    assert course.snoozes == 0


def test_a_limit_that_is_gone_leaves_no_slow_pace_behind() -> None:
    bucket = TokenBucket("requests", 60, burst=10)
    provider = Provider([bucket], sends_headers=False, throttled=0.05)

    def lift(now: float) -> None:
        bucket.per_minute, bucket.capacity = (60, 10) if now < 900 else (60_000, 1000)

    course = run_against(provider, 10, seconds=3600, on_turn=lift)
    assert sum(at >= 2700 for at in course.answered_at) >= 900 * 5


@pytest.mark.parametrize(("per_minute", "max_concurrency"), [(50, 10), (600, 50)])
@pytest.mark.parametrize("resets_in_s", [1.2, 60.0])
def test_a_header_that_never_says_that_anything_is_left_is_disbelieved(
    per_minute: float, max_concurrency: int, resets_in_s: float
) -> None:
    empty = RateLimit("requests", per_minute, 0, resets_in_s)
    course = run_against(Provider(empty=empty), max_concurrency, seconds=1800)
    late = sum(at >= 600 for at in course.answered_at)
    assert 0.95 <= late / (per_minute * 20) <= 1.0
