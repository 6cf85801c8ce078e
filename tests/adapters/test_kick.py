from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from kclassify import Halt
from kclassify.adapters.job import Job
from kclassify.adapters.kick import FRESH_S, kick, start
from kclassify.core.follow_up import EnqueueNext, Fail, SnoozeFor, Stop
from kclassify.core.states import PassStatus
from kclassify.errors import EnqueueError
from kclassify.ports import Mode
from tests.shards.world import WHY, World
from tests.tables import (
    database,
    one_postgres_database,
    postgres_database,
    sqlite_database,
)

if TYPE_CHECKING:
    from kclassify import Database
    from kclassify.core.decision import Decision
    from kclassify.core.follow_up import FollowUp

__all__ = ["database", "one_postgres_database", "postgres_database", "sqlite_database"]

SHORT_S, LONG_S = 3.0, 1000.0
AT_ONCE = 4
STARTS = 30


@dataclass
class Queue:
    """A job system that keeps its jobs; with `refuses_after` jobs it takes no more."""

    name: str = "a list"
    jobs: list[Job] = field(default_factory=list[Job])
    refuses_after: int | None = None

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        assert after_s == 0
        if self.refuses_after is not None and len(self.jobs) >= self.refuses_after:
            raise EnqueueError("a list takes no job")
        self.jobs.append(job)

    def take(self) -> list[Job]:
        """All that is there; they are lost unless somebody works on them."""
        jobs, self.jobs = self.jobs, []
        return jobs


class Office:
    """A world whose run is begun by `start`, and worked on by jobs from a queue."""

    def __init__(self, database: Database, **given: object) -> None:
        self.world = World(database, **given)  # type: ignore[arg-type]
        self.queue = Queue()

    def job(self, mode: Mode = Mode.DRY_RUN, seconds: float = SHORT_S) -> Job:
        override = WHY if mode is Mode.COMMIT else None
        return Job(run=self.world.name, mode=mode, override=override, budget_s=seconds)

    def start(
        self, mode: Mode = Mode.DRY_RUN, seconds: float = SHORT_S, shards: int | None = None
    ) -> list[Job] | Decision:
        world = self.world
        world.shards = shards or world.shards
        runner, job = world.runner(), self.job(mode, seconds)
        return start(runner, world.database, self.queue, job, now=world.clock.now)

    def begin(self, mode: Mode = Mode.DRY_RUN, shards: int | None = None) -> list[Job]:
        """The jobs of a pass that begins; none of them is in the queue any more."""
        begun = self.start(mode, shards=shards)
        assert begun == self.queue.jobs
        return self.queue.take()

    def work(self, job: Job, **settings: Any) -> FollowUp:
        """Take a step and do as it says, as a worker of the queue does."""
        following = self.world.work(job, **settings)
        if isinstance(following, EnqueueNext):
            self.queue.enqueue(job)
        return following

    def work_off(self, **settings: Any) -> list[FollowUp]:
        """All that follows from what is in the queue, but for what snoozes."""
        done: list[FollowUp] = []
        while self.queue.jobs:
            done.append(self.work(self.queue.jobs.pop(0), **settings))
        return done

    def kick(self, after_s: float = 0.0) -> list[int | None]:
        """The shards that are enqueued again so many seconds later."""
        self.world.clock.advance(after_s)
        database, now = self.world.database, self.world.clock.now
        return [job.shard for job in kick(database, self.queue, self.world.name, now=now)]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def shards(jobs: list[Job] | Decision) -> list[int | None]:
    assert isinstance(jobs, list), jobs
    return [job.shard for job in jobs]


@pytest.mark.parametrize("mode", list(Mode))
def test_start_enqueues_a_job_for_each_shard_and_they_do_it_all(office: Office, mode: Mode) -> None:
    begun = office.begin(mode)
    assert shards(begun) == [1, 2, 3, 4]
    assert {(job.number, job.mode, job.budget_s, job.run) for job in begun} == {
        (1, mode, SHORT_S, office.world.name)
    }
    assert office.world.asked.total() == 0
    office.queue.jobs = begun
    ends = [each for each in office.work_off() if not isinstance(each, EnqueueNext)]
    assert len(ends) == 4
    assert ends[-1] == Stop("done")
    assert (office.world.report.status, office.world.report.settled) == (PassStatus.DONE, 20)
    office.world.check()
    assert office.kick(LONG_S) == []


def test_a_pass_in_one_piece_is_one_job(office: Office) -> None:
    begun = office.begin(shards=1)
    assert shards(begun) == [None]
    office.queue.jobs = begun
    assert office.work_off()[-1] == Stop("done")
    office.world.check()


@pytest.mark.parametrize("count", [1, 4])
def test_start_twice_enqueues_each_job_once(office: Office, count: int) -> None:
    assert len(office.begin(shards=count)) == count
    assert office.start(shards=count) == []
    assert office.world.report.number == 1
    assert office.kick() == []


def test_start_finds_the_pass_that_steps_began_and_enqueues_its_shards(office: Office) -> None:
    office.world.step()
    office.world.step(shard=3)
    assert office.kick(LONG_S) == []
    assert shards(office.begin()) == [1, 2, 3, 4]
    assert office.world.report.number == 1


def test_a_pass_that_start_did_not_begin_is_not_kicked(office: Office) -> None:
    office.world.step()
    assert office.kick(LONG_S) == []


@pytest.mark.parametrize("count", [1, 4])
def test_jobs_that_are_lost_are_enqueued_again_once_they_are_late(
    office: Office, count: int
) -> None:
    lost = office.begin(shards=count)
    assert office.kick(FRESH_S - 1) == []
    assert office.kick(1) == [job.shard for job in lost]
    again = office.queue.take()
    assert [replace(job, ticket=None) for job in again] == [replace(j, ticket=None) for j in lost]
    assert all(new.ticket > old.ticket for new, old in zip(again, lost, strict=True))  # type: ignore[operator]
    assert office.kick(FRESH_S - 1) == []


def test_only_the_chain_that_broke_is_enqueued_again(office: Office) -> None:
    first, *others = office.begin()
    office.world.clock.advance(FRESH_S)
    for job in others:
        office.work(job)
    assert office.kick() == [first.shard]


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_chain_whose_worker_was_killed_is_enqueued_once_its_lease_ended(
    office: Office, dies_at: int
) -> None:
    _, job, *_ = office.begin()
    assert office.world.step(shard=job.shard, dies_at=dies_at) is None
    held = office.world.shard(2)
    assert held.lease_expires_at - held.updated_at == FRESH_S
    office.world.clock.advance(held.lease_expires_at - office.world.clock.now() - 1)
    assert office.kick() == []
    assert office.kick(1) == [1, 2, 3, 4]


def test_a_worker_that_lives_is_left_alone(office: Office) -> None:
    office.begin()
    ledger = office.world.runner().ledger
    opened = office.world.open(shard=2)
    office.world.clock.advance(LONG_S)
    # A heartbeat prolongs the lease and nothing else.
    assert ledger.heartbeat(opened, office.world.clock.now(), FRESH_S)
    assert office.kick() == [1, 3, 4]
    ledger.close_step(opened, Halt("made to halt"), office.world.clock.now())
    assert office.kick(LONG_S) == [1, 3, 4]


@pytest.mark.parametrize("count", [1, 4])
def test_a_step_that_snoozes_is_left_until_it_is_due(office: Office, count: int) -> None:
    job, *_ = office.begin(shards=count)
    office.world.down = True
    following = office.work(job)
    assert isinstance(following, SnoozeFor)
    began = office.world.clock.now()
    due = began + following.seconds + FRESH_S
    assert job.shard not in office.kick(following.seconds)
    assert job.shard not in office.kick(due - 1 - office.world.clock.now())
    assert job.shard in {*office.kick(1)}


def test_a_snooze_is_of_the_shard_that_took_it(office: Office) -> None:
    first, *_ = office.begin()
    office.world.down = True
    following = office.work(first)
    assert isinstance(following, SnoozeFor)
    assert following.seconds < 2 * FRESH_S
    assert office.kick(FRESH_S) == [2, 3, 4]


def test_what_cannot_be_enqueued_is_for_the_next_kick(office: Office) -> None:
    office.begin()
    office.queue.refuses_after = 1
    with pytest.raises(EnqueueError, match="a list takes no job"):
        office.kick(FRESH_S)
    assert shards(office.queue.take()) == [1]
    office.queue.refuses_after = None
    assert office.kick() == [2, 3, 4]


@pytest.mark.parametrize("count", [1, 4])
def test_a_start_that_cannot_enqueue_is_made_up_for(office: Office, count: int) -> None:
    office.queue.refuses_after = 0
    with pytest.raises(EnqueueError):
        office.start(shards=count)
    office.queue.refuses_after = None
    assert len(office.kick()) == count


@pytest.mark.parametrize("count", [1, 4])
def test_what_has_halted_waits_for_start(office: Office, count: int) -> None:
    office.world.answer = lambda _: Halt("made to halt")
    jobs = office.begin(shards=count)
    assert isinstance(office.work(jobs[0]), Fail)
    others = [job.shard for job in jobs[1:]]
    assert office.kick(LONG_S) == others
    assert shards(office.start(shards=count)) == [jobs[0].shard]
    office.world.answer = lambda _: "left"
    office.work_off()
    assert office.world.report.status is PassStatus.DONE
    office.world.check()


def test_a_shard_that_has_halted_keeps_no_other(office: Office) -> None:
    first, *others = office.begin()
    office.world.answer = lambda _: Halt("made to halt")
    office.work(first)
    office.world.answer = lambda _: "left"
    office.queue.jobs = others
    office.work_off()
    report = office.world.report
    assert [each.status for each in report.shards] == [PassStatus.HALTED] + [PassStatus.DONE] * 3
    assert office.kick(LONG_S) == []
    assert shards(office.begin()) == [1]
    office.work(first)
    office.queue.jobs = [first]
    assert office.work_off()[-1] == Stop("done")
    office.world.check()


@pytest.mark.parametrize("count", [1, 4])
def test_a_step_that_came_to_max_items_is_not_kicked(office: Office, count: int) -> None:
    job, *others = office.begin(shards=count)
    stop = office.work(job, max_items=2)
    while isinstance(stop, EnqueueNext):
        stop = office.work(office.queue.jobs.pop(), max_items=2)
    assert isinstance(stop, Stop)
    assert office.kick(LONG_S) == [each.shard for each in others]
    assert shards(office.start()) == [job.shard]


def test_a_job_that_comes_twice_stops_and_its_chain_goes_on(office: Office) -> None:
    first, *_ = office.begin()
    opened = office.world.open(shard=1)
    assert office.work(first) == Stop(f"superseded by {opened.holder}")
    assert office.queue.jobs == []
    ledger = office.world.runner().ledger
    assert ledger.heartbeat(opened, office.world.clock.now(), FRESH_S)


def test_a_late_job_of_a_pass_that_is_done_begins_nothing(office: Office) -> None:
    jobs = office.begin()
    office.queue.jobs = [*jobs]
    office.work_off()
    for job in jobs:
        assert office.world.work(job) == Stop("done")
    assert office.world.report.number == 1
    office.begin()
    assert office.world.report.number == 2
    for job in jobs:
        assert office.world.work(job) == Stop("done")
    assert office.world.report.settled == 0


def test_a_late_job_of_a_pass_that_was_abandoned_stops(office: Office) -> None:
    jobs = office.begin()
    office.world.classifier.version = "2"
    failed = office.world.work(jobs[0])
    assert isinstance(failed, Fail)
    assert "start it again" in failed.reason
    assert len(office.begin()) == 4
    assert office.world.report.number == 2
    assert office.world.work(jobs[0]) == Stop("superseded by the end of pass 1")
    assert office.kick(LONG_S) == [1, 2, 3, 4]
    assert {each.number for each in office.queue.jobs} == {2}


def test_start_disturbs_nobody_at_work(office: Office) -> None:
    office.begin()
    held = [office.world.open(shard=number) for number in (1, 2, 3, 4)]
    assert office.start() == []
    ledger = office.world.runner().ledger
    assert all(ledger.heartbeat(each, office.world.clock.now(), FRESH_S) for each in held)


def test_one_run_is_kicked_or_all(database: Database) -> None:
    offices = [Office(database), Office(database)]
    for each in offices:
        each.begin()
    assert offices[0].kick(FRESH_S) == [1, 2, 3, 4]
    assert {job.run for job in offices[0].queue.take()} == {offices[0].world.name}
    later = offices[0].world.clock.now() + LONG_S
    kicked = kick(database, offices[0].queue, now=lambda: later)
    assert {(job.run, job.shard) for job in kicked} == {
        (each.world.name, number) for each in offices for number in (1, 2, 3, 4)
    }


def test_kicks_at_once_enqueue_each_job_once(database: Database) -> None:
    office = Office(database)
    office.begin()
    for _ in range(10):
        # Jobs that nobody takes are enqueued again ever more seldom.
        office.world.clock.advance(FRESH_S * 2**6)
        barrier = threading.Barrier(AT_ONCE)

        def act(barrier: threading.Barrier = barrier) -> list[Job]:
            barrier.wait(10)
            return kick(database, Queue(), office.world.name, now=office.world.clock.now)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            done = [pool.submit(act) for _ in range(AT_ONCE)]
            kicked = [job for each in done for job in each.result(60)]
        assert sorted(job.shard or 0 for job in kicked) == [1, 2, 3, 4]


def test_kicks_and_starts_at_once_end_in_no_deadlock(postgres_database: Database) -> None:
    office = Office(postgres_database)
    office.begin()
    now, is_over = office.world.clock.now, threading.Event()

    def kicks() -> None:
        while not is_over.is_set():
            kick(postgres_database, Queue(), fresh_s=0.0, now=now)

    def starts() -> None:
        try:
            for mode in [*Mode] * STARTS:
                start(office.world.runner(), postgres_database, Queue(), office.job(mode), now=now)
        finally:
            is_over.set()

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(kicks), pool.submit(kicks), pool.submit(starts)]:
            each.result(60)
