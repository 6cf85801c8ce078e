from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from sqlalchemy import make_url

from kclassify import Database
from kclassify.adapters import procrastinate as adapter
from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.adapters.procrastinate import ProcrastinateJobs
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.errors import EnqueueError
from kclassify.ports import OnCommit
from tests.tables import one_postgres_database, rows

__all__ = ["one_postgres_database"]

JOB = Job(run="articles_100%")
Answer = Callable[[OnCommit], Awaitable[FollowUp]]
pytestmark = pytest.mark.services


class Queue:
    """An app of procrastinate's on a database of its own, and the steps that are to be taken."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self.database = Database(url)
        self.conninfo = (
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        with App(connector=SyncPsycopgConnector(conninfo=self.conninfo)).open() as app:
            app.schema_manager.apply_schema()
        self.app = App(connector=PsycopgConnector(conninfo=self.conninfo))
        self.jobs = ProcrastinateJobs(self.app)
        self.script: list[FollowUp | Answer] = []
        self.taken: list[Job] = []
        monkeypatch.setattr(adapter, "take_step", self._take)

    async def _take(self, build: object, job: Job, on_commit: OnCommit) -> FollowUp:
        self.taken.append(job)
        following = self.script[len(self.taken) - 1]
        return await following(on_commit) if callable(following) else following

    def work(self, **options: Any) -> None:
        """Until no job is to be run now."""

        async def until_idle() -> None:
            async with self.app.open_async():
                await self.app.run_worker_async(
                    wait=False, install_signal_handlers=False, **options
                )

        asyncio.run(until_idle())

    @property
    def table(self) -> list[tuple[Any, ...]]:
        query = "SELECT status::text, attempts, scheduled_at FROM procrastinate_jobs ORDER BY id"
        return rows(self.database, query)

    @property
    def statuses(self) -> list[str]:
        return [row[0] for row in self.table]


@pytest.fixture
def queue(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    made = Queue(postgres_url, monkeypatch)
    with closing(made.database):
        yield made


def test_a_chain_of_jobs_goes_on_and_stops(queue: Queue) -> None:
    queue.script = [EnqueueNext(), EnqueueNext(), Stop("done")]
    queue.jobs.enqueue(JOB)
    queue.work()
    assert queue.taken == [JOB] * 3
    assert queue.statuses == ["succeeded"] * 3
    assert isinstance(queue.jobs, JobSystem)


def test_a_snooze_is_a_later_job_and_spends_no_attempt(queue: Queue) -> None:
    queue.script = [SnoozeFor(90, "an outage")]
    before = datetime.now(UTC)
    queue.jobs.enqueue(JOB)
    queue.work()
    (first, second) = queue.table
    assert first[:2] == ("succeeded", 1)
    assert second[:2] == ("todo", 0)
    assert timedelta(seconds=89) < second[2] - before < timedelta(seconds=120)


def test_a_halt_is_a_job_that_failed_and_is_not_tried_again(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    queue.script = [Fail("the key is not valid")]
    queue.jobs.enqueue(JOB)
    queue.work()
    assert queue.statuses == ["failed"]
    assert "articles_100% dry-run: fails: the key is not valid" in caplog.text


def test_the_next_job_is_in_the_transaction_of_the_ledger(queue: Queue) -> None:
    """It is not to be seen before the commit, nor after a rollback, and is enqueued once."""

    async def step(on_commit: OnCommit) -> FollowUp:
        await asyncio.to_thread(commit, on_commit)
        return EnqueueNext()

    def commit(on_commit: OnCommit) -> None:
        with queue.database.begin() as connection:
            on_commit(connection, None)
            seen.append(len(queue.table))
        seen.append(len(queue.table))

    seen: list[int] = []
    queue.script = [step, Stop("done")]
    queue.jobs.enqueue(JOB)
    queue.work()
    assert seen == [1, 2]
    assert queue.statuses == ["succeeded"] * 2


def test_a_transaction_that_is_rolled_back_leaves_no_job(queue: Queue) -> None:
    async def step(on_commit: OnCommit) -> FollowUp:
        await asyncio.to_thread(fail, on_commit)
        return SnoozeFor(30, "the database is gone")

    def fail(on_commit: OnCommit) -> None:
        with suppress(ZeroDivisionError), queue.database.begin() as connection:
            on_commit(connection, None)
            assert 1 / 0

    queue.script = [step]
    queue.jobs.enqueue(JOB)
    queue.work()
    assert queue.statuses == ["succeeded", "todo"]


@pytest.mark.parametrize("kind", ["SQLite", "another database", "another schema"])
def test_a_ledger_elsewhere_has_its_next_job_enqueued_after_the_step(
    kind: str, queue: Queue, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    ledgers: dict[str, Callable[[], Database]] = {
        "SQLite": lambda: Database(f"sqlite:///{tmp_path}/ledger.db", create=True),
        "another database": lambda: request.getfixturevalue("one_postgres_database"),
        "another schema": lambda: Database(f"{queue.url}?options=-csearch_path%3Dpg_catalog"),
    }
    ledger = ledgers[kind]()

    async def step(on_commit: OnCommit) -> FollowUp:
        with ledger.begin() as connection:
            on_commit(connection, None)
        assert len(queue.table) == 1
        return EnqueueNext()

    queue.script = [step, Stop("done")]
    queue.jobs.enqueue(JOB)
    queue.work()
    assert queue.statuses == ["succeeded"] * 2
    ledger.close()


@pytest.mark.parametrize("by_whom", ["a user", "a shutdown"])
def test_only_a_step_that_a_shutdown_cut_is_taken_again(by_whom: str, queue: Queue) -> None:
    began = asyncio.Event()

    async def step(_: OnCommit) -> FollowUp:
        began.set()
        await asyncio.sleep(60)
        raise AssertionError("it was not cut")

    async def cut() -> None:
        async with queue.app.open_async():
            working = asyncio.create_task(
                queue.app.run_worker_async(
                    wait=False, install_signal_handlers=False, shutdown_graceful_timeout=0.05
                )
            )
            await began.wait()
            if by_whom == "a user":
                await queue.app.job_manager.cancel_job_by_id_async(1, abort=True)
                await working
            else:
                working.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await working

    queue.script = [step]
    queue.jobs.enqueue(JOB)
    asyncio.run(cut())
    assert queue.statuses == ["aborted" if by_whom == "a user" else "todo"]


def test_a_queue_that_is_not_there_takes_no_job(postgres_url: str) -> None:
    url = make_url(postgres_url).set(drivername="postgresql", password="hunter2")
    conninfo = url.render_as_string(hide_password=False)
    jobs = ProcrastinateJobs(App(connector=PsycopgConnector(conninfo=conninfo)))
    with pytest.raises(
        EnqueueError, match=r"articles_100% dry-run is not enqueued: .* not exist"
    ) as raised:
        jobs.enqueue(JOB)
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_without_the_library_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['procrastinate'] = None; import kclassify.adapters.procrastinate"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    told = ended.stderr.splitlines()[-1]
    assert told == (
        "kclassify.errors.MissingExtra: procrastinate is not installed: "
        "pip install 'kclassify[procrastinate]'"
    )
