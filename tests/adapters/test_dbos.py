from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from dbos import DBOS, DBOSConfig

from kclassify.adapters import own_loop
from kclassify.adapters.dbos import DbosJobs
from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.errors import EnqueueError, StepFailed
from tests.job_systems.worker_process import wait_for

JOB = Job(run="articles_100%")
Script = list[FollowUp | Callable[[], Any]]


class Scripted:
    """A `take_step` that answers what it is told to, and notes when."""

    def __init__(self) -> None:
        self.script: Script = []
        self.jobs: list[Job] = []
        self.begun_at: list[float] = []

    async def __call__(self, build: object, job: Job) -> FollowUp:
        self.begun_at.append(anyio.current_time())
        self.jobs.append(job)
        following = self.script[len(self.jobs) - 1]
        return await following() if callable(following) else following


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    scripted = Scripted()
    monkeypatch.setattr(own_loop, "take_step", scripted)
    return scripted


@pytest.fixture
def config(tmp_path: Path) -> Iterator[DBOSConfig]:
    """DBOS on a file; whatever is launched is over afterwards, and nothing stays registered."""
    config: DBOSConfig = {
        "name": "test",
        "system_database_url": f"sqlite:///{tmp_path}/dbos.db",
        "application_version": "1",
        "log_level": "ERROR",
    }
    yield config
    DBOS.destroy(destroy_registry=True)


def launch(config: DBOSConfig) -> None:
    DBOS(config=config)
    DBOS.launch()


def result(number: int) -> object:
    return DBOS.retrieve_workflow(f"{JOB.name} #{number}").get_result(polling_interval_sec=0.05)


def statuses() -> dict[str, str]:
    return {each.workflow_id.rpartition(" ")[2]: each.status for each in DBOS.list_workflows()}


def test_a_workflow_goes_on_snoozes_and_stops(config: DBOSConfig, steps: Scripted) -> None:
    jobs = DbosJobs(config)
    launch(config)
    steps.script = [EnqueueNext(), SnoozeFor(1, "an outage"), Stop("done")]
    jobs.enqueue(JOB)
    assert result(1) == "stops: done"
    assert steps.jobs == [JOB] * 3
    first, second, third = steps.begun_at
    assert second - first < 1.0 <= third - second
    assert isinstance(jobs, JobSystem)


def test_a_halt_is_an_error_that_is_not_tried_again(config: DBOSConfig, steps: Scripted) -> None:
    jobs = DbosJobs(config)
    launch(config)
    steps.script = [Fail("the key is not valid")]
    jobs.enqueue(JOB)
    with pytest.raises(StepFailed, match="the key is not valid"):
        result(1)
    assert statuses() == {"#1": "ERROR"}
    assert len(steps.jobs) == 1


def test_what_is_raised_by_mistake_ends_the_workflow(config: DBOSConfig, steps: Scripted) -> None:
    async def mistake() -> FollowUp:
        raise RuntimeError("planted")

    jobs = DbosJobs(config)
    launch(config)
    steps.script = [mistake]
    jobs.enqueue(JOB)
    with pytest.raises(RuntimeError, match="planted"):
        result(1)
    assert statuses() == {"#1": "ERROR"}


def test_a_long_chain_is_many_workflows(config: DBOSConfig, steps: Scripted) -> None:
    jobs = DbosJobs(config, steps=2)
    launch(config)
    steps.script = [EnqueueNext(), EnqueueNext(), EnqueueNext(), SnoozeFor(1, ""), Stop("done")]
    jobs.enqueue(JOB)
    assert result(1) == f"goes on as {JOB.name} #2"
    assert result(2) == f"goes on as {JOB.name} #3"
    assert result(3) == "stops: done"
    assert len(steps.jobs) == 5


def test_one_that_waits_is_the_same_and_one_that_has_begun_is_not(
    config: DBOSConfig, steps: Scripted
) -> None:
    DBOS.migrate(str(config.get("system_database_url")))
    is_over = threading.Event()

    async def slow() -> FollowUp:
        is_over.wait()  # blocks its loop, as a build may, and no other workflow
        return Stop("done")

    jobs = DbosJobs(config)
    steps.script = [slow, Stop("superseded"), Stop("done")]
    jobs.enqueue(JOB)
    jobs.enqueue(JOB)
    jobs.enqueue(Job(run="articlesX1000"))  # SQL's wildcards would take it for a later one
    jobs.enqueue(replace(JOB, shard=1))
    steps.script += [Stop("done"), Stop("done")]
    launch(config)
    wait_for(lambda: len(steps.jobs) == 3, "three workflows that begin")
    assert [job.name for job in steps.jobs].count(JOB.name) == 1
    jobs.enqueue(JOB)
    assert result(2) is not None
    is_over.set()
    assert result(1) is not None
    jobs.enqueue(JOB)
    assert result(3) == "stops: done"


def test_a_job_may_wait_before_it_begins(config: DBOSConfig, steps: Scripted) -> None:
    jobs = DbosJobs(config)
    launch(config)
    steps.script = [Stop("done")]
    jobs.enqueue(JOB, after_s=2)
    assert statuses() == {"#1": "DELAYED"}
    assert result(1) == "stops: done"


def test_a_shut_down_lets_the_step_end_and_the_next_process_goes_on(
    config: DBOSConfig, steps: Scripted
) -> None:
    async def slow() -> FollowUp:
        await anyio.sleep(0.5)
        return EnqueueNext()

    jobs = DbosJobs(config)
    launch(config)
    steps.script = [EnqueueNext(), slow]
    jobs.enqueue(JOB)
    wait_for(lambda: len(steps.jobs) == 2, "the slow step")
    jobs.shut_down(grace_s=10)
    assert jobs._under_way == 0
    taken = len(steps.jobs)
    assert taken == 2
    jobs._is_closing = False  # as in another process
    steps.script += [EnqueueNext(), Stop("done")]
    launch(config)
    assert result(1) == "stops: done"
    # The slow one was over, and may have been recorded or not when DBOS ended.
    assert len(steps.jobs) in {taken + 1, taken + 2}


def test_a_step_that_outlasts_the_grace_is_cut_and_taken_again(
    config: DBOSConfig, steps: Scripted
) -> None:
    cut: list[bool] = []

    async def endless() -> FollowUp:
        try:
            await anyio.sleep_forever()
        finally:
            cut.append(True)
        return Stop("never")

    jobs = DbosJobs(config)
    launch(config)
    steps.script = [endless, Stop("done")]
    jobs.enqueue(JOB)
    wait_for(lambda: len(steps.jobs) == 1, "the endless step")
    jobs.shut_down(grace_s=0)
    assert cut == [True]
    jobs._is_closing = False  # as in another process
    launch(config)
    assert result(1) == "stops: done"
    assert len(steps.jobs) == 2


def test_a_database_that_takes_no_job_is_named_without_its_password() -> None:
    url = "postgresql://user:s3cret@127.0.0.1:1/none"
    jobs = DbosJobs({"name": "test", "system_database_url": url}, workflow="no password")
    with pytest.raises(EnqueueError, match=r"127\.0\.0\.1:1/none") as raised:
        jobs.enqueue(JOB)
    assert "s3cret" not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_database_without_tables_is_an_error_of_the_enqueue(config: DBOSConfig) -> None:
    with pytest.raises(EnqueueError, match="no such table"):
        DbosJobs(config).enqueue(JOB)


def test_without_the_library_the_extra_is_named() -> None:
    code = "import sys; sys.modules['dbos'] = None; import kclassify.adapters.dbos"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "MissingExtra: DBOS is not installed: pip install 'kclassify[dbos]'" in ended.stderr
