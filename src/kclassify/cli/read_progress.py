"""Tells how far a read of all items has come: a line on standard error every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

import typer

from kclassify.cli.plain_progress import INTERVAL_S


def telling(line: Callable[[int], str], *, quiet: bool) -> Callable[[int], None]:
    """What hears how many were read, and writes the line for it when it is time."""
    return _silent if quiet else Told(lambda count: typer.echo(line(count), err=True))


class Told:
    """A line every ten seconds."""

    def __init__(
        self, write: Callable[[int], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write, self._clock = write, clock
        self._next = clock() + INTERVAL_S

    def __call__(self, count: int) -> None:
        """Write a line when it is time."""
        if self._clock() >= self._next:
            self._next = self._clock() + INTERVAL_S
            self._write(count)


def _silent(_: int) -> None:
    """Nobody is told."""
