"""Chains of jobs that meet, jobs that name no pass, and queues that are long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kclassify import Advance, Halt, Pause, SqlLedger
from kclassify.adapters.kick import FRESH_S
from kclassify.core.follow_up import EnqueueNext, Stop
from kclassify.core.states import PassStatus
from kclassify.errors import SourceError
from kclassify.ports import PassRequest
from tests.adapters.test_kick import LONG_S, Office
from tests.tables import (
    database,
    one_postgres_database,
    postgres_database,
    sqlite_database,
)

if TYPE_CHECKING:
    from kclassify import Database

__all__ = ["database", "one_postgres_database", "postgres_database", "sqlite_database"]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


@pytest.mark.parametrize("count", [1, 4])
def test_of_two_chains_of_a_step_the_newest_goes_on(office: Office, count: int) -> None:
    office.world.add(range(100, 200))
    old, *_ = office.begin(shards=count)
    office.kick(FRESH_S)
    new, *_ = office.queue.take()
    assert isinstance(office.work(old), EnqueueNext)
    assert isinstance(office.work(new), EnqueueNext)
    assert office.work(old) == Stop("superseded by a newer job")
    office.queue.jobs = [new]
    ended = office.work_off()[-1]
    assert isinstance(ended, Stop)
    assert not ended.reason.startswith("superseded")


@pytest.mark.parametrize("count", [1, 4])
def test_jobs_that_wait_in_a_long_queue_are_doubled_ever_more_seldom(
    office: Office, count: int
) -> None:
    office.begin(shards=count)
    kicks = [len(office.kick(FRESH_S)) for _ in range(60)]
    assert sum(kicks) <= 6 * count
    assert kicks[0] == count


def test_a_job_that_was_seen_and_lost_is_enqueued_again_as_soon_as_any(office: Office) -> None:
    [job] = office.begin(shards=1)
    for _ in range(3):
        assert isinstance(office.work(job), EnqueueNext)
        office.queue.take()
        assert office.kick(FRESH_S) == [None]
        [job] = office.queue.take()


def test_a_job_that_names_no_pass_goes_through_all_shards_and_can_be_kicked(
    office: Office,
) -> None:
    office.world.shards = 4
    office.queue.jobs = [office.job()]
    office.work(office.queue.jobs.pop())
    assert office.queue.take()
    assert office.kick(LONG_S)
    office.queue.jobs = [office.job()]
    assert office.work_off()[-1] == Stop("done")
    assert (office.world.report.number, office.world.report.status) == (1, PassStatus.DONE)
    office.world.check()


def test_a_pass_that_start_left_in_one_piece_is_not_cut_by_a_worker_of_other_settings(
    office: Office,
) -> None:
    [job] = office.begin(shards=1)
    office.world.shards = 4
    office.queue.jobs = [job]
    assert office.work_off()[-1] == Stop("done")
    assert office.world.report.shards == ()


@pytest.mark.parametrize("shards", [1, 4])
def test_max_items_is_what_one_call_settles_over_all_shards(office: Office, shards: int) -> None:
    office.world.shards = shards
    told = office.world.finish(max_items=6)
    assert isinstance(told, Advance)
    assert told.pause is Pause.MAX_ITEMS
    assert office.world.report.settled == 6
    office.world.finish()
    assert office.world.report.status is PassStatus.DONE
    office.world.check()


def test_a_start_while_a_chain_is_at_work_takes_no_lease_from_it(office: Office) -> None:
    first, *_ = office.begin()
    before = office.world.report.shards
    assert office.start() == []
    assert office.world.report.shards == before
    assert isinstance(office.work(first), EnqueueNext)


@pytest.mark.parametrize("count", [1, 4])
def test_a_job_of_another_classifier_fails_and_status_says_why(office: Office, count: int) -> None:
    [job, *_] = office.begin(shards=count)
    request = PassRequest(
        office.world.name, job.mode, "another", "m", "s", number=job.number, shard=job.shard
    )
    opened = SqlLedger(office.world.database).open(request, "w", office.world.clock.now(), 60.0)
    assert isinstance(opened, Halt)
    told = office.world.report
    assert opened.reason in str(told.last_decision)
    if told.shards:
        assert opened.reason in str(told.shards[0].last_decision)
    office.queue.jobs = [job]
    assert isinstance(office.work_off()[-1], Stop)


def test_labels_that_nobody_knows_are_found_by_start(office: Office) -> None:
    office.world.add([1000], label="weird")
    with pytest.raises(SourceError, match="weird"):
        office.start(shards=1)
    assert office.queue.jobs == []
