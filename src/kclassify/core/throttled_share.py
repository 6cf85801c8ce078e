"""Which share of the calls is throttled of late: it tells how much the pace has to do with it."""

from __future__ import annotations

MANY = 0.2
"""A share that says that a rate limit is exceeded."""

_WEIGHT = 0.02
# One more after so many in a row is no chance: the calls after it would be throttled, too.
_SURE = 2


class ThrottledShare:
    """A moving average over some fifty calls, between what it is at least and at most, from 0 to 1.

    Who exceeds a rate limit has most calls throttled. A few that are throttled now and then,
    whatever the pace is, are no reason to be slow.
    """

    def __init__(self) -> None:
        self.least = 0.0
        self._most = 1.0
        self._in_a_row = 0

    @property
    def most(self) -> float:
        """What it is at most, or 1 when no call between the last ones was answered."""
        return 1.0 if self._in_a_row >= _SURE else self._most

    def landed(self, *, is_throttled: bool) -> None:
        """A call was answered, or throttled."""
        self._in_a_row = self._in_a_row + 1 if is_throttled else 0
        self.least += _WEIGHT * (is_throttled - self.least)
        self._most += _WEIGHT * (is_throttled - self._most)
