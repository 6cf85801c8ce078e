"""Signals at every awaited point of a commit, and between all of its statements.

A first worker goes through unharmed and tells its moments. Then, for one moment after the other, a
fresh table is worked on by a worker that is hit at that moment, and by one that comes after it.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kclassify.core.finding import Verification
from kclassify.errors import UsageError
from kclassify.testing import StubMessagesAPI
from tests.faults.matrix import Record, row_of
from tests.faults.worker import CANCELLED, CONCURRENCY, DONE, PAUSED
from tests.faults.workers import Forge, Scene, forge, scene, smithy, stub

__all__ = ["forge", "smithy", "stub"]


@dataclass
class Sweep:
    """Hits workers at chosen moments; `ended` counts how, `worst` is the dearest of the runs."""

    folder: Path
    forge: Forge
    stub: StubMessagesAPI
    changes: dict[str, Any]
    apart: bool = False

    def __post_init__(self) -> None:
        self.ended: Counter[int] = Counter()
        self.worst: Verification | None = None
        self.number = 0

    def moments(self) -> list[str]:
        """Those of a worker that nothing hits."""
        with scene(self.folder / "unharmed", self.stub, apart=self.apart) as unharmed:
            assert self.forge.run(unharmed.order(backend=self.changes["backend"])) == DONE
            return unharmed.moments()

    def hit(self, at: int, place: str | None = None) -> int:
        """How the worker ended that was hit there; the one after it has finished its work."""
        self.number += 1
        with scene(self.folder / str(self.number), self.stub, apart=self.apart) as fresh:
            ended = self.forge.run(fresh.order(at=at, place=place, **self.changes))
            told = (at, fresh.moments()[-1], ended)
            self._check_midway(fresh, told)
            assert self.forge.run(fresh.order(backend=self.changes["backend"])) == DONE, told
            assert fresh.labels == {"left"}, told
            self._keep(fresh.verify(), told)
        self.ended[ended] += 1
        return ended

    def _check_midway(self, fresh: Scene, told: tuple[int, str, int]) -> None:
        """What was left behind keeps every promise already; there may be no run yet."""
        with suppress(UsageError):
            found = fresh.verify().findings
            assert not found, (told, found)

    def _keep(self, found: Verification, told: tuple[int, str, int]) -> None:
        assert found.is_clean, (told, found.findings)
        if self.worst is None or (found.paid_twice or 0) > (self.worst.paid_twice or 0):
            self.worst = found


def telling(moments: list[str], most: int) -> list[tuple[int, str]]:
    """The middle moment of each name but those that only set tables up; evenly, `most` of them."""
    names = sorted({name for name in moments if "CREATE" not in name}, key=moments.index)
    chosen = [(moments.count(name) // 2, name) for name in names]
    return chosen[:: -(-len(chosen) // most)]


def every(moments: list[str]) -> list[tuple[int, None]]:
    """All of them."""
    return [(number, None) for number in range(len(moments))]


def hit_each(sweep: Sweep, moments: Iterable[tuple[int, str | None]]) -> Verification:
    """The verification of the run that paid most."""
    for at, place in moments:
        sweep.hit(at, place)
    assert sweep.worst is not None
    print(f"{sweep.number} moments: {dict(sweep.ended)}, {sweep.worst.paid_twice} paid twice")
    return sweep.worst


def record_kill(record: Record, found: Verification) -> None:
    fault = "SIGKILL at every awaited point, statement and commit"
    told = "the next worker takes over at once; `Done`"
    record(row_of("process", fault, told, found, in_flight=CONCURRENCY))


LAYOUTS = [("trio", False), ("asyncio", True)]
BY_DAY = [pytest.param("trio", False, marks=pytest.mark.nightly), ("asyncio", True)]


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "apart"), BY_DAY)
def test_a_kill_at_telling_moments_loses_nothing(
    tmp_path: Path, forge: Forge, stub: StubMessagesAPI, record: Record, backend: str, apart: bool
) -> None:
    sweep = Sweep(tmp_path, forge, stub, {"backend": backend}, apart)
    record_kill(record, hit_each(sweep, telling(sweep.moments(), 12)))
    assert sweep.ended[-signal.SIGKILL] > sweep.number * 2 // 3  # not every run has every moment


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("backend", "apart"), [*LAYOUTS, ("asyncio", False), ("trio", True)])
def test_a_kill_at_every_moment_loses_nothing(
    tmp_path: Path, forge: Forge, stub: StubMessagesAPI, record: Record, backend: str, apart: bool
) -> None:
    sweep = Sweep(tmp_path, forge, stub, {"backend": backend}, apart)
    record_kill(record, hit_each(sweep, every(sweep.moments())))
    while sweep.hit(sweep.number) != DONE:
        pass


SIGNALS = [signal.SIGINT, signal.SIGTERM]
LATE = {CANCELLED, -signal.SIGTERM}
"""The run is over, and the process not yet."""


def record_stop(record: Record, number: signal.Signals, found: Verification) -> None:
    fault = f"{number.name} at every awaited point, statement and commit"
    told = "what flies lands, `Advance` with status 75; `Done` when run again"
    # By the virtual clock the grace of a stop may be over before an answer is there.
    record(row_of("process", fault, told, found, in_flight=CONCURRENCY))


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_a_stop_at_telling_moments_ends_in_order(
    tmp_path: Path, forge: Forge, stub: StubMessagesAPI, record: Record, number: signal.Signals
) -> None:
    backend = "trio" if number is signal.SIGINT else "asyncio"
    sweep = Sweep(tmp_path, forge, stub, {"backend": backend, "signal": number})
    record_stop(record, number, hit_each(sweep, telling(sweep.moments(), 5)))
    assert set(sweep.ended) <= {DONE, PAUSED, *LATE}


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("backend", ["trio", "asyncio"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_stop_at_every_moment_ends_in_order(  # fixtures
    tmp_path: Path,
    forge: Forge,
    stub: StubMessagesAPI,
    record: Record,
    number: signal.Signals,
    backend: str,
) -> None:
    sweep = Sweep(tmp_path, forge, stub, {"backend": backend, "signal": number})
    record_stop(record, number, hit_each(sweep, every(sweep.moments())))
    assert set(sweep.ended) <= {DONE, PAUSED, *LATE}


def record_cancel(record: Record, found: Verification) -> None:
    fault = "SIGINT twice, at every awaited point, statement and commit"
    told = "what flies is cancelled, status 130; `Done` when run again"
    record(row_of("process", fault, told, found, in_flight=CONCURRENCY))


@pytest.mark.slow
def test_a_second_signal_at_telling_moments_cancels(
    tmp_path: Path, forge: Forge, stub: StubMessagesAPI, record: Record
) -> None:
    changes = {"backend": "trio", "signal": signal.SIGINT, "twice": True}
    sweep = Sweep(tmp_path, forge, stub, changes)
    record_cancel(record, hit_each(sweep, telling(sweep.moments(), 5)))
    assert set(sweep.ended) <= {DONE, PAUSED, CANCELLED}


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("backend", ["trio", "asyncio"])
def test_a_second_signal_at_every_moment_cancels(
    tmp_path: Path, forge: Forge, stub: StubMessagesAPI, record: Record, backend: str
) -> None:
    changes = {"backend": backend, "signal": signal.SIGINT, "twice": True}
    sweep = Sweep(tmp_path, forge, stub, changes)
    record_cancel(record, hit_each(sweep, every(sweep.moments())))
    assert set(sweep.ended) <= {DONE, PAUSED, CANCELLED}
