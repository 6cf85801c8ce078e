"""The clock of a real run."""

from __future__ import annotations

import time

import anyio

from kclassify.ports import Signal

# It goes on while the machine is suspended, where there is one.
_STEADY = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class SystemClock:
    """Unix time as it was when the clock was made, carried on by a clock that is never set.

    So a step of the system's clock in mid-run neither ends a snooze nor prolongs it.
    """

    def __init__(self) -> None:
        self._offset = time.time() - _steady()

    def now(self) -> float:
        """Unix time in seconds."""
        return self._offset + _steady()

    async def wait(self, signal: Signal, seconds: float | None) -> None:
        """Wait for the signal, at most so many seconds (None: for ever)."""
        with anyio.move_on_after(seconds):
            await signal.wait()


def _steady() -> float:
    return time.monotonic() if _STEADY is None else time.clock_gettime(_STEADY)
