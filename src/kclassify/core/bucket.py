"""A token bucket: what may be spent now, and when more may be."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_WAIT_S = 60.0
"""Seconds after which a call may start whatever a provider said of its limits."""


@dataclass(slots=True)
class Bucket:
    """`level` tokens at the time `at`, `rate` more a second, never more than `capacity`."""

    capacity: float
    rate: float
    level: float
    at: float

    def refill(self, now: float) -> None:
        """Let the time pass; a clock that went back brings nothing."""
        self.level += self.rate * max(0.0, now - self.at)
        self.level = max(-self.capacity, min(self.capacity, self.level))
        self.at = now

    def take(self, tokens: float, now: float) -> None:
        """Spend so many, whether they are there or not."""
        self.refill(now)
        self.level -= tokens

    def opens_at(self, tokens: float) -> float:
        """When so many may be spent, or as many as it can hold; a minute from `at` at most."""
        lacking = min(tokens, self.capacity) - self.level
        return self.at + min(max(0.0, lacking) / self.rate, LONGEST_WAIT_S)
