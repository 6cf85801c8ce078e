"""A clock that tests own: it stands still while a run works and jumps when it waits."""

from __future__ import annotations

import time

import anyio

from kclassify.ports import Signal

_SLICES = 8
_LONGEST = 50
"""A machine that never keeps time is waited for so many times as long as one that does."""


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
        if seconds is None:
            await signal.wait()
            return
        await self._until_idle(signal)
        if not signal.is_set():
            self.waits.append(seconds)
            self.advance(seconds)

    async def _until_idle(self, signal: Signal) -> None:
        # Who wakes up late had no processor, and so may others that have work to do.
        in_time, each = 0, self._idle_s / _SLICES
        last = time.monotonic() + _LONGEST * self._idle_s
        while in_time < _SLICES and not signal.is_set() and time.monotonic() < last:
            began = time.monotonic()
            with anyio.move_on_after(each):
                await signal.wait()
            in_time = in_time + 1 if time.monotonic() - began < 2 * each else 0
