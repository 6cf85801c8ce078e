"""Rate limits that count: requests and tokens a minute, as the provider counts them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from kclassify.core.rate_limit import RateLimit
from kclassify.testing.token_bucket import TokenBucket

_PerMinute = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_WORDS = {"input-tokens": "input tokens", "output-tokens": "output tokens"}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class RateLimits:
    """What may be asked for in a minute; None is no limit.

    Args:
        requests_per_minute, input_tokens_per_minute, output_tokens_per_minute: refilled
            continuously, not at the full minute.
        burst: how many requests may come at once; absent, a minute's worth of them.
    """

    requests_per_minute: _PerMinute | None = None
    input_tokens_per_minute: _PerMinute | None = None
    output_tokens_per_minute: _PerMinute | None = None
    burst: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None

    def __add__(self, other: RateLimits) -> RateLimits:
        """The stricter of two limits, each for itself."""
        return RateLimits(
            _stricter(self.requests_per_minute, other.requests_per_minute),
            _stricter(self.input_tokens_per_minute, other.input_tokens_per_minute),
            _stricter(self.output_tokens_per_minute, other.output_tokens_per_minute),
            _stricter(self.burst, other.burst),
        )


def _stricter(one: float | None, other: float | None) -> float | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


class RateLimiter:
    """Counts requests against limits, on the clock of whoever calls: `now` is in seconds.

    A request takes its input tokens as it arrives. An answer's output tokens are taken when it is
    known, and the next request is let in once at least one is there again. What was refused costs
    nothing.
    """

    def __init__(self, limits: RateLimits, now: float) -> None:
        rates = {
            "requests": (limits.requests_per_minute, limits.burst),
            "input-tokens": (limits.input_tokens_per_minute, None),
            "output-tokens": (limits.output_tokens_per_minute, None),
        }
        self._buckets = {
            name: TokenBucket(rate, burst, now=now)
            for name, (rate, burst) in rates.items()
            if rate is not None
        }

    def admit(self, now: float, input_tokens: int = 0) -> RateLimited | None:
        """None when the request is let in, and counted; else what it ran into."""
        wanted = {"requests": 1, "input-tokens": input_tokens, "output-tokens": 1}
        waits = {
            name: bucket.wait_s(wanted[name], now)
            for name, bucket in self._buckets.items()
            if not bucket.has(wanted[name], now)
        }
        if waits:
            name = max(waits, key=waits.__getitem__)
            return RateLimited(name, self._buckets[name].per_minute, waits[name])
        for name, bucket in self._buckets.items():
            if name != "output-tokens":
                bucket.spend(wanted[name], now)
        return None

    def answered(self, now: float, output_tokens: int) -> None:
        """Counts an answer's tokens."""
        bucket = self._buckets.get("output-tokens")
        if bucket is not None:
            bucket.spend(output_tokens, now)

    def standing(self, now: float) -> tuple[RateLimit, ...]:
        """What is left, limit by limit, as a reply tells it; `tokens` is input and output."""
        limits = {name: _standing(name, bucket, now) for name, bucket in self._buckets.items()}
        tokens = [limit for name, limit in limits.items() if name != "requests"]
        return (*limits.values(), *([_together(tokens)] if tokens else ()))


@dataclass(frozen=True)
class RateLimited:
    """The limit that a request ran into, how much of it there is a minute, and for how long."""

    name: str
    per_minute: float
    wait_s: float

    def __str__(self) -> str:
        """The limit in words: `50 requests per minute`."""
        return f"{self.per_minute:,.15g} {_WORDS.get(self.name, self.name)} per minute"


def _standing(name: str, bucket: TokenBucket, now: float) -> RateLimit:
    left = max(0.0, bucket.level(now))
    return RateLimit(name, bucket.per_minute, left, bucket.full_in_s(now))


def _together(tokens: list[RateLimit]) -> RateLimit:
    return RateLimit(
        "tokens",
        sum(limit.limit for limit in tokens),
        sum(limit.remaining for limit in tokens),
        max(limit.resets_in_s for limit in tokens),
    )
