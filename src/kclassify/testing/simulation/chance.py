"""Chance that a seed decides, the scheduler's included."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from random import Random
from typing import Any

import trio._core._run as trio_loop

_loop: Any = trio_loop
"""Trio shuffles the tasks that can go on, by a generator that it seeds only for its own tests."""


def chance(*key: object) -> Random:
    """A generator that depends on nothing but this key, in any process."""
    return Random(repr(key))  # noqa: S311  # a simulation wants to be repeatable


@contextmanager
def seeded_scheduler(seed: int) -> Generator[None]:
    """Within it, trio runs tasks in an order that this seed decides."""
    before = _loop._ALLOW_DETERMINISTIC_SCHEDULING, _loop._r.getstate()  # noqa: SLF001
    _loop._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001
    _loop._r.seed(repr(("scheduler", seed)))  # noqa: SLF001
    try:
        yield
    finally:
        _loop._ALLOW_DETERMINISTIC_SCHEDULING = before[0]  # noqa: SLF001
        _loop._r.setstate(before[1])  # noqa: SLF001
