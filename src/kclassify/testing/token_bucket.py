"""So many a minute, continuously refilled: how a provider counts."""

from __future__ import annotations

_ROUNDING = 1e-9  # of floating point, so that who waits as long as was said is let in


class TokenBucket:
    """Holds `burst` at most, a minute's worth unless said otherwise, and is full to begin with.

    `now` is seconds on any one clock. A time before one that was seen already counts as that one,
    so that nothing is refilled twice.
    """

    def __init__(self, per_minute: float, burst: float | None = None, *, now: float = 0.0) -> None:
        self.per_minute = per_minute
        self.burst = per_minute if burst is None else burst
        self._level = self.burst
        self._seen = now

    def level(self, now: float) -> float:
        """What could be taken now; below zero when more was spent than was there."""
        elapsed = max(0.0, now - self._seen)
        self._seen += elapsed
        self._level = min(self.burst, self._level + elapsed * self.per_minute / 60)
        return self._level

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until so much can be taken, 0 when it can be now.

        More than the bucket holds never can: then it is the time until the bucket is full.
        """
        missing = min(amount, self.burst) - self.level(now)
        return 0.0 if missing <= _ROUNDING else missing * 60 / self.per_minute

    def has(self, amount: float, now: float) -> bool:
        """Whether so much can be taken now."""
        return self.level(now) + _ROUNDING >= amount

    def spend(self, amount: float, now: float) -> None:
        """Take so much, whether it is there or not."""
        self._level = self.level(now) - amount

    def full_in_s(self, now: float) -> float:
        """Seconds until nothing is missing."""
        return self.wait_s(self.burst, now)
