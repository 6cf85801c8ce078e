"""How many calls may run at once: additive increase, multiplicative decrease."""

from __future__ import annotations

import math
from enum import StrEnum

FIRST = 5
"""Calls at once at first: as many as it takes to see an outage."""

_FORGETTING = 0.1


class Change(StrEnum):
    """Why the limit is what it is."""

    BEGUN = "the run begins low"
    RISEN = "calls are answered"
    FALLEN = "the provider throttles"
    RESUMED = "it begins low again after a snooze"
    CONTINUED = "it begins as the step before it ended"
    SHARED = "the workers of the run share the calls"


class Concurrency:
    """How many calls may run at once, `most` at most.

    As TCP does it (RFC 5681): one more for each answer until the first throttling or snooze, then
    one more a round. When a call is throttled, once a round, it falls by half the share of calls
    that are (RFC 8257), to 1 at least: by half where all are, by next to nothing where one in a
    hundred is. An answer counts only where the limit was in use (RFC 7661). Other failures change
    nothing: a lone one says little, and many are an outage. `reason` tells of the last change.

    `first` is what an earlier step has `reached`: this one begins there and goes on slowly, as that
    one was quick. After an outage it says nothing.
    """

    def __init__(self, most: int, *, is_recovering: bool = False, first: int | None = None) -> None:
        self._most = most
        self._bound = most
        self._allowed, self._quick_below = float(min(most, FIRST)), math.inf
        self.reason = Change.BEGUN
        if is_recovering:
            self._quick_below = most / 2
            self.reason = Change.RESUMED
        elif first is not None:
            self._allowed = self._quick_below = float(max(1, min(most, first)))
            self.reason = Change.CONTINUED
        self._before_fall = self._allowed
        self._last = self._last_in_full = self._last_at_fall = 0
        self._has_answer = False
        self._busy = 0.0

    @property
    def limit(self) -> int:
        """Calls at once: from 1, or from 0 where `allow` says so."""
        return min(int(self._allowed), self._bound)

    @property
    def bound(self) -> int:
        """What the limit cannot exceed for now, whatever is learned."""
        return self._bound

    @property
    def reached(self) -> int | None:
        """How many calls ran at once of late, and still may; None when there were none.

        Where a rate limit or a lack of items let fewer run than might, they are those few.
        """
        return math.ceil(min(self._busy, self._allowed)) or None

    def allow(self, calls: int) -> None:
        """From now on at most so many at once. What was learned is kept for when it is more."""
        before = self.limit
        self._bound = max(0, min(calls, self._most))
        if self.limit != before:
            self.reason = Change.SHARED

    def started(self, in_flight: int) -> int:
        """A call started, `in_flight` with it. Returns its number in the order of starts."""
        self._last += 1
        self._busy = max(in_flight, self._busy + _FORGETTING * (in_flight - self._busy))
        if in_flight >= int(self._allowed):
            self._last_in_full = self._last
        return self._last

    def answered(self, order: int) -> None:
        """The call of this number was answered."""
        self._has_answer = True
        if order > self._last_in_full or self._allowed >= self._most:
            return
        is_quick = self._allowed < self._quick_below
        before = self.limit
        self._allowed += 1 if is_quick else 1 / int(self._allowed)
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
            # Above the bound it was never tried.
            self._before_fall = min(self._allowed, max(1.0, self._bound))
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
        self._busy = 0.0
        self._last_at_fall = self._last
        self.reason = Change.RESUMED
