"""Two workers of one run: at once, one after another that died or slept, and with other clocks."""

from __future__ import annotations

import signal
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from kclassify.core.finding import Verification
from kclassify.testing import Fixed, FixedLatency, StubMessagesAPI
from tests.faults.matrix import Record, row_of
from tests.faults.worker import CONCURRENCY, DONE, HALTED, PAUSED, SUPERSEDED
from tests.faults.workers import Forge, Scene, forge, scene, smithy, stub
from tests.tables import rows

__all__ = ["forge", "smithy", "stub"]

pytestmark = pytest.mark.slow

LEASE_S = 60.0
HOUR_S, DAY_S = 3600.0, 86_400.0
PLACE = "after a commit"
"""There a worker holds no lock of the database."""

MIDWAY = 8
AT_ITS_START = 1
"""The lease is taken, nothing is asked yet: what is left to do takes longer than a signal."""

DATABASE_FAILED = 1
AT_WORST = "`Done`; in an outage it may be a `Halt`, and `Done` when run again"


@pytest.fixture
def fresh(tmp_path: Path) -> Generator[Scene]:
    """With a provider that always answers, after a moment."""
    with (
        StubMessagesAPI(Fixed("left"), latency=FixedLatency(0.02)) as steady,
        scene(tmp_path / "scene", steady) as made,
    ):
        yield made


def writes(at: Scene) -> int:
    ((count,),) = rows(at.database, "SELECT count(*) FROM writes")
    return int(count)


def test_the_second_worker_is_superseded_and_does_nothing(
    fresh: Scene, forge: Forge, record: Record
) -> None:
    # Suspended within a heartbeat it would hold the lock of SQLite: none comes in so long a lease.
    first = forge.suspend(fresh.order(place=PLACE, at=MIDWAY, lease_s=600.0))
    before = writes(fresh), fresh.stub.count
    assert forge.run(fresh.order()) == SUPERSEDED
    assert (writes(fresh), fresh.stub.count) == before
    assert forge.wake(first) == DONE
    told = "the second is `Superseded`: no call, no write; the first is `Done`"
    record(row_of("process", "two workers at once", told, fresh.verify()))


def test_workers_that_start_together_are_one_at_a_time(fresh: Scene, forge: Forge) -> None:
    together = [forge.start(fresh.order(backend=name)) for name in ("trio", "asyncio", "trio")]
    ended = [forge.wait(worker) for worker in together]
    assert set(ended) <= {DONE, SUPERSEDED}
    assert DONE in ended
    found = fresh.verify()
    assert found.is_clean, found.findings
    assert found.paid_twice == 0


def test_the_lease_of_a_worker_that_died_here_is_taken_at_once(
    fresh: Scene, forge: Forge, record: Record
) -> None:
    assert forge.run(fresh.order(place=PLACE, at=MIDWAY)) == -signal.SIGKILL
    assert forge.run(fresh.order()) == DONE
    told = "its lease is taken at once; `Done`"
    found = fresh.verify()
    record(row_of("process", "lease holder dies, same machine", told, found, in_flight=CONCURRENCY))


def test_the_lease_of_a_worker_that_died_elsewhere_is_taken_when_it_ends(
    fresh: Scene, forge: Forge, record: Record
) -> None:
    assert forge.run(fresh.order(place=PLACE, at=MIDWAY, host="elsewhere")) == -signal.SIGKILL
    calls = fresh.stub.count
    assert forge.run(fresh.order(ahead_s=LEASE_S / 2)) == SUPERSEDED
    assert fresh.stub.count == calls
    assert forge.run(fresh.order(ahead_s=LEASE_S + 1)) == DONE
    told = "`Superseded` until `lease_s` is over; then `Done`"
    found = fresh.verify()
    fault = "lease holder dies, another machine"
    record(row_of("process", fault, told, found, in_flight=CONCURRENCY))


@pytest.mark.parametrize("midway", [4, 8])
def test_a_worker_that_slept_beyond_its_lease_writes_nothing_more(
    tmp_path: Path, forge: Forge, record: Record, midway: int
) -> None:
    tries = (overtaken(tmp_path / str(number), forge, midway) for number in range(6))
    found = next(found for found in tries if found is not None)
    told = "the next worker is `Done`; the one that woke is `Superseded` and writes nothing"
    fault = "lease holder suspended (SIGSTOP) beyond its lease"
    record(row_of("process", fault, told, found, in_flight=CONCURRENCY))


def overtaken(folder: Path, forge: Forge, midway: int) -> Verification | None:
    """None where it was suspended within a heartbeat: then it holds the database's lock, too."""
    steady = StubMessagesAPI(Fixed("left"), latency=FixedLatency(0.02))
    with steady, scene(folder, steady) as fresh:
        asleep = forge.suspend(fresh.order(place=PLACE, at=midway, real_time=True, lease_s=1.0))
        while (ended := forge.run(fresh.order(real_time=True, lease_s=1.0))) == SUPERSEDED:
            pass
        if ended == DATABASE_FAILED:
            return None
        assert ended == DONE
        before = writes(fresh)
        assert forge.wake(asleep) == SUPERSEDED
        assert writes(fresh) == before
        return fresh.verify()


def test_a_worker_that_does_not_know_that_it_was_overtaken_is_fenced(
    fresh: Scene, forge: Forge, record: Record
) -> None:
    """By its own clock no time has passed, and its next heartbeat is far away."""
    asleep = forge.suspend(fresh.order(place=PLACE, at=MIDWAY))
    late = fresh.order(ahead_s=LEASE_S + 1)
    stopped = replace(late, signal=signal.SIGINT, place=PLACE, at=AT_ITS_START)
    assert forge.run(stopped) == PAUSED
    before = writes(fresh)
    assert forge.wake(asleep) == SUPERSEDED
    assert writes(fresh) == before
    assert forge.run(late) == DONE
    told = "fenced: `Superseded`, writes nothing; the other is `Done`"
    fault = "lease holder overtaken between two heartbeats"
    record(row_of("process", fault, told, fresh.verify(), in_flight=CONCURRENCY))


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, -DAY_S])
def test_a_clock_that_jumps_within_a_step_changes_nothing(
    tmp_path: Path, stub: StubMessagesAPI, forge: Forge, record: Record, jump_s: float
) -> None:
    for number, midway in enumerate((150, 350)):
        with scene(tmp_path / str(number), stub) as fresh:
            assert forge.run(fresh.order(jump_s=jump_s, jump_at=midway)) == DONE, midway
            found = fresh.verify()
            fault = f"clock jumps within a step: {words(jump_s)}"
            record(row_of("process", fault, "`Done`", found))


def test_a_clock_that_jumps_a_day_ahead_in_an_outage_halts_at_worst(
    tmp_path: Path, stub: StubMessagesAPI, forge: Forge, record: Record
) -> None:
    for number, midway in enumerate((150, 350)):
        with scene(tmp_path / str(number), stub) as fresh:
            ended = forge.run(fresh.order(jump_s=DAY_S, jump_at=midway))
            assert ended in {DONE, HALTED}
            assert forge.run(fresh.order(ahead_s=DAY_S)) == DONE
            found = fresh.verify()
            fault = f"clock jumps within a step: {words(DAY_S)}"
            record(row_of("process", fault, AT_WORST, found))


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, -DAY_S])
def test_a_clock_that_jumps_between_two_steps_changes_nothing(
    tmp_path: Path, stub: StubMessagesAPI, forge: Forge, record: Record, jump_s: float
) -> None:
    for midway in (6, 12):
        with scene(tmp_path / str(midway), stub) as fresh:
            assert forge.run(fresh.order(place=PLACE, at=midway)) == -signal.SIGKILL
            assert forge.run(fresh.order(ahead_s=jump_s)) == DONE
            found = fresh.verify()
            fault = f"clock jumps between two steps: {words(jump_s)}"
            record(row_of("process", fault, "`Done`", found, in_flight=CONCURRENCY))


def test_a_day_that_passes_in_an_outage_halts_at_worst(
    tmp_path: Path, stub: StubMessagesAPI, forge: Forge, record: Record
) -> None:
    """Whether a day of outage has passed, or the clock was set, cannot be told."""
    for midway in (6, 12):
        with scene(tmp_path / str(midway), stub) as fresh:
            assert forge.run(fresh.order(place=PLACE, at=midway)) == -signal.SIGKILL
            assert forge.run(fresh.order(ahead_s=DAY_S)) in {DONE, HALTED}
            assert forge.run(fresh.order(ahead_s=DAY_S)) == DONE
            found = fresh.verify()
            fault = f"clock jumps between two steps: {words(DAY_S)}"
            record(row_of("process", fault, AT_WORST, found, in_flight=CONCURRENCY))


def words(jump_s: float) -> str:
    length = "an hour" if abs(jump_s) == HOUR_S else "a day"
    return f"{length} {'ahead' if jump_s > 0 else 'back'}"
