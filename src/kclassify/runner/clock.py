"""The clock of a real run."""

from __future__ import annotations

import time

import anyio

from kclassify.ports import Signal


class SystemClock:
    """Unix time as it was when the clock was made, carried on by the monotonic clock.

    So a step of the system's clock in mid-run neither ends a snooze nor prolongs it.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix time in seconds."""
        return self._offset + time.monotonic()

    async def wait(self, signal: Signal, seconds: float | None) -> None:
        """Wait for the signal, at most so many seconds (None: for ever)."""
        with anyio.move_on_after(seconds):
            await signal.wait()
