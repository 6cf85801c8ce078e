"""Where the stub is on its plan's timeline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timeline:
    """Begins when it is made. `clock` gives seconds; it may run faster than real time, or jump."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._unix_start = time.time()

    def now(self) -> float:
        """What the clock says."""
        return self._clock()

    def elapsed(self, now: float) -> float:
        """Seconds between the start and that time on the clock."""
        return now - self._started

    def unix_time(self, now: float) -> float:
        """That time on the clock as Unix time: the real one at the start, carried on by it."""
        return self._unix_start + self.elapsed(now)
