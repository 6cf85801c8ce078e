"""The rate that a provider takes, learned from what it throttles where no header says it."""

from __future__ import annotations

import math
from collections import deque

from kclassify.core.bucket import Bucket
from kclassify.core.throttled_share import MANY

_ENOUGH_S = 30.0
_ENOUGH_ANSWERS = 30
_BELOW = 0.97
_MOST_SLOWER = 0.5
# The share of throttled calls that is the price of finding the limit.
_FEW = 0.02


class LearnedRate:
    """Spaces calls out, once throttled calls have told what the rate is.

    Whatever bucket the provider keeps, it was empty at each throttled call: what was answered
    between two of them is what was refilled. The pace is a little below that, and grows until the
    next throttled call: by a hundredth a minute, and after some fifteen minutes ever faster (as
    CUBIC does, RFC 9438), so that a limit that was raised is found, too.
    """

    def __init__(self) -> None:
        self._answers = 0
        self._marks: deque[tuple[float, int]] = deque()
        self._bucket: Bucket | None = None
        self._is_due = False
        self._base = self._since = self._lowest = 0.0

    @property
    def opens_at(self) -> float:
        """When it lets the next call start."""
        return self._bucket.opens_at(1) if self._bucket else -math.inf

    def spend(self, now: float) -> None:
        """A call starts."""
        if self._bucket:
            self._bucket.take(1, now)
            self._bucket.rate = self._base * _growth((now - self._since) / 60)

    def answered(self) -> None:
        """A call was answered."""
        self._answers += 1

    def throttled(self, now: float, share: float, *, is_news: bool, is_near: bool) -> None:
        """A call was throttled, as this share of calls is of late.

        It is news when it is the first of its round, and near when the provider says that a limit
        is: then it takes no more to believe that the pace has to do with it.
        """
        if is_news:
            self._mark(now)
        enough = _FEW if self._bucket or is_near else MANY
        if self._is_due and share > enough:
            self._is_due = False
            self._slow_down(now)
            self._doubt(share)

    def _mark(self, now: float) -> None:
        self._marks.append((now, self._answers))
        while len(self._marks) > 1 and self._is_enough(1, now):
            self._marks.popleft()
        self._is_due = self._is_enough(0, now)

    def forget(self) -> None:
        """For a while no call was made: what is answered next was saved up."""
        self._marks.clear()
        self._is_due = False

    def turn_back(self, now: float) -> None:
        """The clock went back to `now`."""
        self.forget()
        self._since = min(self._since, now)
        if self._bucket:
            self._bucket.refill(now)

    def _is_enough(self, index: int, now: float) -> bool:
        at, answers = self._marks[index]
        return now - at >= _ENOUGH_S and self._answers - answers >= _ENOUGH_ANSWERS

    def _slow_down(self, now: float) -> None:
        at, answers = self._marks[0]
        rate = _BELOW * (self._answers - answers) / (now - at)
        if self._bucket:
            before = self._bucket.rate
            rate = min(max(rate, _MOST_SLOWER * before), _BELOW * before)
        self._base, self._since = rate, now
        self._bucket = Bucket(max(1.0, rate), rate, 0.0, now)

    def _doubt(self, share: float) -> None:
        """It is not the pace if half of it did not help."""
        if share > MANY:
            self._lowest = _MOST_SLOWER * self._base
        elif self._base < self._lowest:
            self._bucket = None


def _growth(minutes: float) -> float:
    return 1 + 0.01 * max(0.0, minutes) + (max(0.0, minutes) / 15) ** 3
