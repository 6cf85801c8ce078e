"""A simulated process: it has a name, a clock of its own, and may die at any point."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import anyio

from kclassify.errors import DatabaseError
from kclassify.testing.simulation.timeline import Timeline

R = TypeVar("R")
_NEVER = float("inf")
POINTS_AT_MOST = 200_000
"""A process that passes so many points goes round in circles."""


class Killed(BaseException):
    """The process is dead: nothing that it still does has an effect."""


@dataclass(slots=True, eq=False)
class Process:
    """One process, which dies at `kill_at_point` or at `kill_at` (simulated seconds), if ever.

    With `kill_in` only points around that call of the database count. `skew_s` is how far its clock
    is off. Of the calls of its database the share `database_faults` fails. Faults end at
    `calm_from`.
    """

    name: str
    rng: Random
    time: Timeline
    calm_from: float
    skew_s: float = 0.0
    kill_at_point: int | None = None
    kill_in: str | None = None
    kill_at: float = _NEVER
    database_faults: float = 0.0
    points: int = 0
    points_to_die_at: int = 0
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    @property
    def is_dead(self) -> bool:
        """Whether it was killed."""
        return self.kill_at != _NEVER and self.kill_at <= self.time.now

    def point(self, name: str = "") -> None:
        """A point where it may die. Raises `Killed` when it does, or did before."""
        self.points += 1
        if self.points > POINTS_AT_MOST:
            raise AssertionError(f"{self.name} goes round in circles")
        self.points_to_die_at += self.kill_in in {None, name}
        if self.points_to_die_at == self.kill_at_point and self.time.now < self.calm_from:
            self.kill_at = self.time.now
            self.scope.cancel()
        if self.is_dead:
            raise Killed

    def database_call(self, name: str, function: Callable[[], R]) -> R:
        """The call, or a death or an error of the database before it or after its effect."""
        self._may_fail(name)
        result = function()
        self._may_fail(name)
        return result

    def _may_fail(self, name: str) -> None:
        self.point(name)
        has_faults = self.database_faults and self.time.now < self.calm_from
        if has_faults and self.rng.random() < self.database_faults:
            raise DatabaseError(f"the database went away ({name})")


current: ContextVar[Process | None] = ContextVar("simulated process", default=None)
"""The process whose task runs now; None for the world around it."""


def in_process(name: str, function: Callable[[], R]) -> R:
    """A call of the database by the process whose task runs now, with all that may befall it."""
    process = current.get()
    return function() if process is None else process.database_call(name, function)
