"""A rate limit that really counts."""

from __future__ import annotations

import math

from kclassify.core.rate_limit import RateLimit


class TokenBucket:
    """So many requests a minute, refilled continuously, and at most `burst` at once."""

    def __init__(self, a_minute: float, burst: float | None = None) -> None:
        self._a_minute = a_minute
        self._burst = a_minute if burst is None else burst
        self._left = self._burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether a request may pass at this time; it is counted then."""
        self._left = min(self._burst, self._left + (now - self._at) * self._a_minute / 60)
        self._at = now
        may_pass = self._left >= 1
        self._left -= may_pass
        return may_pass

    @property
    def retry_after_s(self) -> float:
        """Whole seconds until the next request may pass."""
        return max(1.0, math.ceil((1 - self._left) * 60 / self._a_minute))

    @property
    def told(self) -> tuple[RateLimit, ...]:
        """What the headers of a reply say."""
        full_in_s = (self._burst - self._left) * 60 / self._a_minute
        return (RateLimit("requests", self._a_minute, math.floor(max(0.0, self._left)), full_in_s),)
