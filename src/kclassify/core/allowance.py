"""What one rate limit lets start, as far as the headers of replies tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from kclassify.core.bucket import Bucket
from kclassify.core.rate_limit import RateLimit
from kclassify.core.verdict import Usage

_MINUTE_S = 60.0
_LONGEST_RESET_S = 86_400.0
# Resets are told in whole seconds: over less than this they say nothing of the rate.
_SHORTEST_RESET_S = 5.0
# What is left of tokens is told to the nearest thousand.
_ROUNDED_TO = 1000
_WEIGHT = 0.1
# Evenly spaced calls arrive less evenly: a little below the rate the provider's bucket has slack.
_EVEN = 0.98
# Who left a fifth of a limit unused for five minutes, and is told all along that nothing is left,
# is told nothing, or has others use the key.
_DOUBTED_AFTER_S = 300.0
_USED = 0.8
_NEAR = 0.1
_NO_USAGE = Usage()

# Reads from a cache do not count toward a limit of input tokens.
_COUNTS: Mapping[str, Callable[[Usage], int]] = {
    "requests": lambda _: 1,
    "input-tokens": lambda usage: usage.input_tokens + usage.cache_write_tokens,
    "output-tokens": lambda usage: usage.output_tokens,
    "tokens": lambda usage: usage.input_tokens + usage.cache_write_tokens + usage.output_tokens,
}


NAMES = tuple(_COUNTS)
"""The limits that a run goes by."""


def is_sane(stated: RateLimit) -> bool:
    """Whether a limit is one that a run can go by; what is not must not stop it."""
    figures = (stated.limit, stated.remaining, stated.resets_in_s)
    return (
        stated.name in _COUNTS
        and all(math.isfinite(figure) for figure in figures)
        and 0 <= stated.remaining <= stated.limit
        and stated.limit >= 1
        and 0 <= stated.resets_in_s <= _LONGEST_RESET_S
    )


class Allowance:
    """One limit of requests or tokens: a bucket that the provider refills continuously.

    `need` is what a call is expected to cost, `spent` what all calls so far were, `held` what those
    in flight are.
    """

    def __init__(self, name: str) -> None:
        self._count = _COUNTS[name]
        self._is_of_tokens = name != "requests"
        self._stated: Bucket | None = None
        self._even: Bucket | None = None
        self._read_of = -math.inf
        self._empty_since: tuple[float, float] | None = None
        self._is_believed = True
        self._doubted_after_s = _DOUBTED_AFTER_S
        self._has_usage = False
        self.need = 1.0
        self.spent = self.held = 0.0

    @property
    def opens_at(self) -> float:
        """When it lets the next call start."""
        buckets = self._buckets
        return max(bucket.opens_at(self.need) for bucket in buckets) if buckets else -math.inf

    @property
    def is_spent(self) -> bool:
        """Whether the provider says, believably, that there is not enough for a call."""
        return self._is_believed and self._stated is not None and self._stated.level < self.need

    @property
    def is_near(self) -> bool:
        """Whether the provider says, believably, that nearly all of it is spent."""
        stated = self._stated
        return self._is_believed and stated is not None and stated.level < _NEAR * stated.capacity

    def spend(self, now: float) -> float:
        """A call starts. Returns what it is expected to cost."""
        self.spent += self.need
        self.held += self.need
        for bucket in self._buckets:
            bucket.take(self.need, now)
        return self.need

    def learn(self, usage: Usage) -> None:
        """A call was answered, and cost this."""
        if usage == _NO_USAGE:
            return
        weight = _WEIGHT if self._has_usage else 1.0
        self._has_usage = True
        self.need += weight * (max(1, self._count(usage)) - self.need)

    def read(self, stated: RateLimit, *, began: float, spent_since: float, now: float) -> None:
        """A call that began then, and has landed, brought this header.

        Nobody knows when it was written. If early, it lacks what the calls since then cost,
        `spent_since`; if late, perhaps what those in flight do: the worst of both counts.
        """
        rate, remaining = _rate(stated), stated.remaining
        if self._is_rounded(remaining):
            remaining -= _ROUNDED_TO / 2
        if_early = remaining + rate * max(0.0, now - began) - spent_since
        level = min(if_early, remaining - self.held)
        if began < self._read_of and self._stated:
            self._stated.refill(now)
            level = min(level, self._stated.level)
        self._read_of = max(began, self._read_of)
        self._stated = Bucket(stated.limit, rate, level, now)
        self._doubt(stated, rate, now)

    def throttled(self) -> None:
        """Many calls are throttled: what the provider says of the limit is true after all."""
        if not self._is_believed:
            self._doubted_after_s *= 2
            self._believe()

    def _believe(self) -> None:
        self._is_believed = True
        self._empty_since = None

    def _doubt(self, stated: RateLimit, rate: float, now: float) -> None:
        if stated.remaining > self.need:
            self._believe()
            return
        at, spent = self._empty_since = self._empty_since or (now, self.spent)
        refilled = rate * (now - at)
        if now - at >= self._doubted_after_s and self.spent - spent < _USED * refilled:
            self._is_believed = False
            self.even_out(now)

    def _is_rounded(self, remaining: float) -> bool:
        return self._is_of_tokens and remaining % _ROUNDED_TO == 0

    def even_out(self, now: float) -> bool:
        """Bursts are throttled that the limit allows: from now on a second's worth at most.

        Returns whether that is news, and a limit known to go by.
        """
        if self._stated is None or self._even is not None:
            return False
        rate = _EVEN * self._stated.rate
        self._even = Bucket(max(self.need, rate), rate, 0.0, now)
        return True

    def turn_back(self, now: float) -> None:
        """The clock went back to `now`."""
        self._read_of = min(self._read_of, now)
        self._empty_since = None
        for bucket in self._buckets:
            bucket.refill(now)

    @property
    def _buckets(self) -> Sequence[Bucket]:
        if self._stated is None and self._even is None:
            return ()  # asked several times a call, where most providers state no limit
        stated = self._stated if self._is_believed else None
        return [bucket for bucket in (stated, self._even) if bucket is not None]


def _rate(stated: RateLimit) -> float:
    """Of the limit a second. Some limits are a day's, and only their reset says so."""
    a_minute = stated.limit / _MINUTE_S
    gone = stated.limit - stated.remaining
    if stated.resets_in_s < _SHORTEST_RESET_S or not gone:
        return a_minute
    return min(a_minute, gone / stated.resets_in_s)
