"""Simulated time: it stands still while anything can go on, and then jumps to the next alarm."""

from __future__ import annotations

from trio.testing import MockClock


class Timeline:
    """Seconds since the simulation began. `clock` is for trio; this can be read outside it too."""

    def __init__(self) -> None:
        self.clock = MockClock(autojump_threshold=0)

    @property
    def now(self) -> float:
        """What time it is."""
        return self.clock.current_time()
