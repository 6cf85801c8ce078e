"""A clock that tests own: it stands still while a run works and jumps when it waits."""

from __future__ import annotations

import anyio

from kclassify.ports import Signal


class VirtualClock:
    """Unix time that moves only by `advance`, and when a run has nothing to do but wait.

    A wait first lets everything else go on until nothing has happened for `idle_s` seconds of real
    time; then the clock jumps. `waits` holds the lengths of those jumps, in seconds.
    """

    def __init__(self, now: float = 1_800_000_000.0, *, idle_s: float = 0.02) -> None:
        self._now = now
        self._idle_s = idle_s
        self.waits: list[float] = []

    def now(self) -> float:
        """The time that the test says it is."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    async def wait(self, signal: Signal, seconds: float | None) -> None:
        """Wait for the signal, at most so many seconds (None: for ever)."""
        with anyio.move_on_after(None if seconds is None else self._idle_s):
            await signal.wait()
        if seconds is not None and not signal.is_set():
            self.waits.append(seconds)
            self.advance(seconds)
