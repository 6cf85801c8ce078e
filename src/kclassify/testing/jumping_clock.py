"""A clock that runs as time does, and that a test may put forward."""

from __future__ import annotations

import time

import anyio

from kclassify.ports import Signal


class JumpingClock:
    """Real time, and what `advance` added to it.

    It is for runs that call a stub over HTTP: their calls take real time, their snoozes need not.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix time, as far as the test has put it forward."""
        return time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        """Put the clock forward."""
        self._offset += seconds

    async def wait(self, signal: Signal, seconds: float | None) -> None:
        """Wait for the signal, at most so many seconds of real time (None: for ever)."""
        with anyio.move_on_after(seconds):
            await signal.wait()
