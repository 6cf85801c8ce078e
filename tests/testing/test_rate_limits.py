"""Limits that count: never more than is promised, and headers whose arithmetic holds."""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kclassify.testing import RateLimiter, RateLimits, TokenBucket
from kclassify.testing.rate_limit_headers import rate_limit_headers, retry_after, rfc_3339

rates = st.floats(0.5, 5000)
pauses = st.lists(st.floats(0, 90), min_size=1, max_size=60)
steps = st.lists(st.floats(-30, 90), min_size=1, max_size=60)
sizes = st.integers(0, 3000)


def granted(bucket: TokenBucket, times: list[float]) -> list[float]:
    """When one was let in, if as many as possible come at each of these times."""
    found: list[float] = []
    for now in times:
        while bucket.has(1, now) and len(found) < 2000:
            bucket.spend(1, now)
            found.append(now)
    return found


def most_beyond(times: list[float], per_minute: float) -> float:
    """The most that any interval has beyond what flows in during it."""
    return max(
        (
            last - first + 1 - (times[last] - times[first]) * per_minute / 60
            for first in range(len(times))
            for last in range(first, len(times))
        ),
        default=0.0,
    )


@given(st.floats(0.5, 90), st.floats(1, 20), pauses)
def test_no_interval_has_more_than_its_share_and_a_burst(
    per_minute: float, burst: float, waits: list[float]
) -> None:
    bucket = TokenBucket(per_minute, burst)
    times = granted(bucket, list(accumulate(waits)))
    assert most_beyond(times, per_minute) <= burst + 1e-6


@given(st.floats(0.5, 600), steps)
def test_a_clock_that_goes_back_grants_nothing_more(per_minute: float, given_: list[float]) -> None:
    times = list(accumulate(given_))
    bucket = TokenBucket(per_minute, 3, now=0.0)
    found = len(granted(bucket, times))
    assert found <= 3 + max(0.0, *times) * per_minute / 60 + 1e-6


@given(rates, st.floats(1, 200), pauses, st.floats(0.1, 200))
def test_who_waits_as_told_is_let_in_and_not_before(
    per_minute: float, burst: float, waits: list[float], amount: float
) -> None:
    bucket = TokenBucket(per_minute, burst)
    now = 0.0
    for wait in waits:
        now += wait
        told = bucket.wait_s(amount, now)
        if amount > burst:
            assert not bucket.has(amount, now + told)
            continue
        assert bucket.has(amount, now) == (told == 0)
        if told > 0.001:
            assert not _copy(bucket).has(amount, now + told * 0.99)
        assert _copy(bucket).has(amount, now + told)
        bucket.spend(amount, now)


def _copy(bucket: TokenBucket) -> TokenBucket:
    made = TokenBucket(bucket.per_minute, bucket.burst)
    made._level, made._seen = bucket._level, bucket._seen
    return made


@given(rates, st.floats(1, 100), pauses)
def test_a_bucket_is_full_when_it_said_it_would_be(
    per_minute: float, burst: float, waits: list[float]
) -> None:
    bucket = TokenBucket(per_minute, burst)
    now = 0.0
    for wait in waits:
        now += wait
        bucket.spend(2, now)
        full_at = now + bucket.full_in_s(now)
        assert isclose(_copy(bucket).level(full_at), burst, rel_tol=1e-6)


@given(st.floats(100, 100_000), st.lists(st.tuples(st.floats(0, 30), sizes, sizes), max_size=40))
def test_tokens_are_counted_both_ways(
    per_minute: float, requests: list[tuple[float, int, int]]
) -> None:
    limiter = RateLimiter(RateLimits(None, per_minute, per_minute), 0.0)
    now, sent, said, largest = 0.0, 0, 0, 0
    for wait, asked, answered in requests:
        now += wait
        if limiter.admit(now, asked) is None:
            sent, said, largest = sent + asked, said + answered, max(largest, answered)
            limiter.answered(now, answered)
        assert sent <= per_minute * (1 + now / 60) + 1e-6
        assert said <= per_minute * (1 + now / 60) + largest
        tokens = {limit.name: limit for limit in limiter.standing(now)}
        parts = tokens["input-tokens"], tokens["output-tokens"]
        assert tokens["tokens"].limit == sum(part.limit for part in parts)
        assert tokens["tokens"].remaining == sum(part.remaining for part in parts)
        assert tokens["tokens"].resets_in_s == max(part.resets_in_s for part in parts)


@given(st.integers(1, 100_000), st.integers(1, 100_000), st.floats(0, 2e9), pauses)
def test_headers_agree_with_each_other(
    requests: int, tokens: int, start: float, waits: list[float]
) -> None:
    limiter = RateLimiter(RateLimits(requests, tokens, tokens), start)
    now = start
    for wait in waits:
        now += wait
        limiter.admit(now, 700)
        limiter.answered(now, 90)
        headers = rate_limit_headers(limiter.standing(now), now)
        assert len(headers) == 12
        for limit in limiter.standing(now):
            told = {
                part: headers[f"anthropic-ratelimit-{limit.name}-{part}"]
                for part in ("limit", "remaining", "reset")
            }
            unit = 1 if limit.name == "requests" else 1000
            remaining = float(told["remaining"])
            assert float(told["limit"]) == limit.limit
            assert 0 <= remaining <= limit.limit
            assert remaining == limit.limit or remaining % unit == 0
            assert abs(remaining - limit.remaining) <= unit
            assert told["reset"] >= rfc_3339(now)


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    bucket = TokenBucket(60, 3, now=100.0)
    bucket.spend(1, 100.0)
    assert [bucket.level(now) for now in (100.0, 50.0, 100.0, 100.5)] == [2, 2, 2, 2.5]


def test_a_request_takes_none_of_the_tokens_that_are_answered() -> None:
    limiter = RateLimiter(RateLimits(None, 100, 100), 0.0)
    limiter.admit(0.0, 40)
    left = {limit.name: limit.remaining for limit in limiter.standing(0.0)}
    assert left == {"input-tokens": 60, "output-tokens": 100, "tokens": 160}
    limiter.answered(0.0, 30)
    assert limiter.standing(0.0)[1].remaining == 70


def test_more_than_was_there_is_waited_for() -> None:
    bucket = TokenBucket(60)
    bucket.spend(90, 0.0)
    assert (bucket.level(0.0), bucket.wait_s(1, 0.0)) == (-30, 31)


def test_what_was_refused_costs_nothing() -> None:
    limiter = RateLimiter(RateLimits(60, 1000), 0.0)
    assert limiter.admit(0.0, 900) is None
    for _ in range(5):
        limited = limiter.admit(0.0, 500)
        assert limited is not None
        assert (limited.name, str(limited)) == ("input-tokens", "1,000 input tokens per minute")
        assert limited.wait_s == pytest.approx(24)
    assert limiter.admit(24.0, 500) is None
    assert [limit.name for limit in limiter.standing(24.0)] == [
        "requests",
        "input-tokens",
        "tokens",
    ]


def test_the_limit_that_is_waited_for_longest_is_named() -> None:
    limiter = RateLimiter(RateLimits(60, 600, burst=1), 0.0)
    assert limiter.admit(0.0, 600) is None
    limited = limiter.admit(0.0, 100)
    assert limited is not None
    assert (limited.name, limited.wait_s) == ("input-tokens", 10)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (0.0, "1970-01-01T00:00:00Z"),
        (0.2, "1970-01-01T00:00:01Z"),
        (1_800_000_000.0, "2027-01-15T08:00:00Z"),
    ],
)
def test_a_reset_is_a_time_in_whole_seconds_and_never_early(at: float, told: str) -> None:
    assert rfc_3339(at) == told


@pytest.mark.parametrize(("wait", "told"), [(0.0, "1"), (0.4, "1"), (1.0, "1"), (1.2, "2")])
def test_a_retry_after_is_whole_seconds_and_never_early(wait: float, told: str) -> None:
    assert retry_after(wait) == told


def test_of_two_limits_the_stricter_holds() -> None:
    both = RateLimits(50, 1000) + RateLimits(60, None, 100, 5)
    assert both == RateLimits(50, 1000, 100, 5)


@pytest.mark.parametrize("given_", [{"requests_per_minute": 0}, {"burst": 0.5}, {"rpm": 3}])
def test_a_limit_that_is_none_is_refused(given_: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        RateLimits(**given_)


def test_fifty_a_minute_are_fifty_a_minute() -> None:
    limiter = RateLimiter(RateLimits(50, burst=5), 0.0)
    times = [tick / 10 for tick in range(36_000) if limiter.admit(tick / 10) is None]
    assert len(times) == 5 + 50 * 60 - 1
    assert min(b - a for a, b in pairwise(times[5:])) == pytest.approx(1.2)
