"""How many calls may run at once: additive increase, multiplicative decrease."""

from __future__ import annotations

import math
from enum import StrEnum

FIRST = 5
"""Calls at once at first: as many as it takes to see an outage."""


class Change(StrEnum):
    """Why the limit is what it is."""

    BEGUN = "the run begins low"
    RISEN = "calls are answered"
    FALLEN = "the provider throttles"
    RESUMED = "it begins low again after a snooze"


class Concurrency:
    """How many calls may run at once, `most` at most.

    As TCP does it (RFC 5681): one more for each answer until the first throttling or snooze, then
    one more a round. When a call is throttled, once a round, it falls by half the share of calls
    that are (RFC 8257), to 1 at least: by half where all are, by next to nothing where one in a
    hundred is. An answer counts only where the limit was in use (RFC 7661). Other failures change
    nothing: a lone one says little, and many are an outage. `reason` tells of the last change.
    """

    def __init__(self, most: int, *, is_recovering: bool = False) -> None:
        self._most = most
        self._allowed = float(min(most, FIRST))
        self._before_fall = self._allowed
        self._quick_below = most / 2 if is_recovering else math.inf
        self._last = self._last_in_full = self._last_at_fall = 0
        self._has_answer = False
        self.reason = Change.RESUMED if is_recovering else Change.BEGUN

    @property
    def limit(self) -> int:
        """Calls at once, from 1."""
        return int(self._allowed)

    def started(self, in_flight: int) -> int:
        """A call started, `in_flight` with it. Returns its number in the order of starts."""
        self._last += 1
        if in_flight >= self.limit:
            self._last_in_full = self._last
        return self._last

    def answered(self, order: int) -> None:
        """The call of this number was answered."""
        self._has_answer = True
        if order > self._last_in_full or self._allowed >= self._most:
            return
        is_quick = self._allowed < self._quick_below
        before = self.limit
        self._allowed += 1 if is_quick else 1 / self.limit
        # A round's small steps add up to one, but for the last digits.
        self._allowed = min(round(self._allowed, 9), float(self._most))
        if self.limit > before:
            self.reason = Change.RISEN

    def throttled(self, order: int, share: float) -> bool:
        """The call of this number was throttled, as this share of calls is of late.

        Returns whether that is news of this round.
        """
        is_news = order > self._last_at_fall
        if is_news:
            self._last_at_fall = self._last
            self._before_fall = self._allowed
            self.reason = Change.FALLEN
        fallen = max(1.0, self._before_fall * (1 - share / 2))
        self._allowed = self._quick_below = min(self._allowed, fallen)
        return is_news

    def resumed(self) -> None:
        """A snooze is over: low again, and quick up to half of what it was before."""
        if self._has_answer:
            self._quick_below = self._allowed / 2
        self._has_answer = False
        self._allowed = min(self._allowed, float(FIRST))
        self._last_at_fall = self._last
        self.reason = Change.RESUMED
