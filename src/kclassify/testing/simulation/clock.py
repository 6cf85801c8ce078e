"""The clock of a simulated process."""

from __future__ import annotations

import anyio

from kclassify.ports import Signal
from kclassify.testing.simulation.process import Process

EPOCH = 1_800_000_000.0
"""Unix time at which every simulation begins, in seconds."""


class SimulatedClock:
    """Implements `kclassify.ports.Clock` on simulated time, off by what the process's clock is."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def now(self) -> float:
        """Unix time, as the process sees it."""
        return EPOCH + self._process.time.now + self._process.skew_s

    async def wait(self, signal: Signal, seconds: float | None) -> None:
        """Wait for the signal, at most so many seconds (None: for ever)."""
        with anyio.move_on_after(seconds):
            await signal.wait()
        self._process.point()
