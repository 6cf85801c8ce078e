from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from kclassify import Database
from kclassify.adapters import oban as adapter
from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.adapters.oban import ObanJobs
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.errors import EnqueueError, MissingExtra, UsageError
from kclassify.ports import OnCommit
from tests.conftest import REPOSITORY
from tests.documents import blocks, read
from tests.job_systems.worker_process import wait_for
from tests.tables import postgres_database, rows, run

__all__ = ["postgres_database"]

needs_oban = pytest.mark.skipif(
    find_spec("oban") is None, reason="Oban needs Python 3.12 or newer: make test-jobs"
)
JOB = Job(run="articles")
NOWHERE = "postgresql://someone:geheim@127.0.0.1:1/nothing"
Answer = Callable[[OnCommit | None], FollowUp]


class Scripted:
    """A `take_step` that answers what it is told to, in a thread as the runner's is."""

    def __init__(self) -> None:
        self.script: list[FollowUp | Answer] = []
        self.jobs: list[Job] = []

    async def __call__(self, build: object, job: Job, on_commit: OnCommit | None) -> FollowUp:
        self.jobs.append(job)
        answer = self.script[len(self.jobs) - 1]
        return await anyio.to_thread.run_sync(answer, on_commit) if callable(answer) else answer


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    scripted = Scripted()
    monkeypatch.setattr(adapter, "take_step", scripted)
    return scripted


@pytest.fixture
def database(postgres_database: Database) -> Database:
    """One that has Oban's tables."""
    run(postgres_database, import_module("oban.schema").install_sql())
    return postgres_database


@asynccontextmanager
async def oban(database: Database, **options: object) -> AsyncGenerator[None]:
    """Oban at work."""
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    pool = import_module("psycopg_pool").AsyncConnectionPool(url, open=False)
    at_work = import_module("oban").Oban(
        pool=pool, queues={"default": 2}, stager={"interval": 0.05}, **options
    )
    async with pool, at_work:
        yield


def work(database: Database, states: set[str], **options: object) -> list[tuple[Any, ...]]:
    """Let Oban work until every job is in one of the states; what its rows are then."""

    def are_over() -> bool:
        return {row[0] for row in jobs_of(database)} <= states

    async def until() -> None:
        async with oban(database, **options):
            await anyio.to_thread.run_sync(wait_for, are_over, f"jobs that are {states}")

    asyncio.run(until())
    return jobs_of(database)


def jobs_of(database: Database) -> list[tuple[Any, ...]]:
    return rows(database, "SELECT state, attempt, args, meta FROM oban_jobs ORDER BY id")


def test_without_oban_it_says_which_extra_is_missing(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "oban", None)
    with pytest.raises(MissingExtra, match=r"kclassify\[oban\].*Python 3.12"):
        ObanJobs(postgres_database, path="module.Name")


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    with (
        closing(Database(f"sqlite:///{tmp_path}/a.db", create=True)) as sqlite,
        pytest.raises(UsageError, match="not in sqlite"),
    ):
        ObanJobs(sqlite, path="module.Name")


@needs_oban
def test_a_path_that_oban_cannot_import_is_refused(database: Database) -> None:
    with pytest.raises(UsageError, match="not by 'Relabel'"):
        ObanJobs(database, path="Relabel")


@needs_oban
def test_a_job_is_enqueued_from_outside_now_or_later(database: Database) -> None:
    jobs = ObanJobs(database, path="module.Name", queue="own", priority=3, max_attempts=7)
    assert isinstance(jobs, JobSystem)
    jobs.enqueue(JOB)
    jobs.enqueue(JOB, 60)
    assert [row[0] for row in jobs_of(database)] == ["available", "scheduled"]
    columns = "queue, worker, priority, max_attempts, args"
    told = rows(database, f"SELECT DISTINCT {columns} FROM oban_jobs")
    assert told == [("own", "module.Name", 3, 7, JOB.arguments())]
    delay = "extract(epoch FROM scheduled_at - inserted_at)"
    [(seconds,)] = rows(database, f"SELECT {delay} FROM oban_jobs WHERE state = 'scheduled'")
    assert 55 < seconds < 65


@needs_oban
def test_a_database_that_is_away_is_named_without_its_password() -> None:
    with closing(Database(NOWHERE)) as away:
        jobs = ObanJobs(away, path="module.Name")
        with pytest.raises(EnqueueError, match=r"127\.0\.0\.1:1/nothing") as caught:
            jobs.enqueue(JOB)
    assert "geheim" not in str(caught.value)


@needs_oban
@pytest.mark.parametrize("snoozes", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_a_snooze_is_obans_own_and_spends_no_attempt(
    snoozes: int, database: Database, steps: Scripted
) -> None:
    steps.script = [*([SnoozeFor(1, "an outage")] * snoozes), Stop("done")]
    ObanJobs(database, path="module.Name").enqueue(JOB)
    [(state, attempt, _, meta)] = work(database, {"completed"})
    assert (state, attempt, meta) == ("completed", 1, {"snoozed": snoozes, "reason": "an outage"})
    assert steps.jobs == [JOB] * (snoozes + 1)


@needs_oban
def test_a_live_job_that_is_rescued_runs_again_and_its_own_snooze_is_dropped(
    database: Database, steps: Scripted
) -> None:
    rescued = threading.Event()

    def outlasts(_: OnCommit | None) -> FollowUp:
        assert rescued.wait(20)
        return SnoozeFor(60, "an outage")

    def finds_the_run_taken(_: OnCommit | None) -> FollowUp:
        rescued.set()
        return Stop("superseded by another worker")

    steps.script = [outlasts, finds_the_run_taken]
    ObanJobs(database, path="module.Name").enqueue(JOB)
    lifeline = {"interval": 0.1, "rescue_after": 0.5}
    [(state, attempt, _, meta)] = work(database, {"completed"}, lifeline=lifeline)
    assert (state, attempt, meta) == ("completed", 2, {"rescued": 1})


@needs_oban
def test_a_failure_is_final_and_its_reason_is_in_the_row(
    database: Database, steps: Scripted
) -> None:
    steps.script = [Fail("there is no such model")]
    ObanJobs(database, path="module.Name").enqueue(JOB)
    work(database, {"cancelled"})
    [(errors,)] = rows(database, "SELECT errors FROM oban_jobs")
    assert [error["error"] for error in errors] == ["there is no such model"]


@needs_oban
def test_arguments_of_another_job_are_a_failure(database: Database, steps: Scripted) -> None:
    ObanJobs(database, path="module.Name").enqueue(JOB)
    run(database, 'UPDATE oban_jobs SET args = \'{"mode": "undo"}\'')
    work(database, {"cancelled"})
    assert not steps.jobs


@needs_oban
def test_the_next_job_is_in_the_transaction_of_the_step(
    database: Database, steps: Scripted
) -> None:
    jobs = ObanJobs(database, path="module.Name")
    seen: list[int] = []

    def rolled_back(on_commit: OnCommit | None) -> FollowUp:
        assert on_commit is not None
        with database.engine.connect() as connection, connection.begin() as transaction:
            on_commit(connection, None)
            seen.append(len(jobs_of(database)))
            transaction.rollback()
        seen.append(len(jobs_of(database)))
        return SnoozeFor(1, "the commit failed")

    def committed(on_commit: OnCommit | None) -> FollowUp:
        assert on_commit is not None
        with database.begin() as connection:
            on_commit(connection, None)
        return EnqueueNext()

    steps.script = [rolled_back, committed, Stop("done")]
    jobs.enqueue(JOB)
    found = work(database, {"completed"})
    assert seen == [1, 1]
    assert [(row[1], row[2]) for row in found] == [(1, JOB.arguments())] * 2


@needs_oban
def test_a_step_that_did_not_enqueue_the_next_job_is_followed_by_one(
    database: Database, steps: Scripted
) -> None:
    steps.script = [EnqueueNext(), Stop("done")]
    ObanJobs(database, path="module.Name").enqueue(JOB)
    assert len(work(database, {"completed"})) == 2


@needs_oban
def test_with_a_ledger_elsewhere_the_step_enqueues_nothing(
    database: Database, steps: Scripted
) -> None:
    given: list[OnCommit | None] = []

    def note(on_commit: OnCommit | None) -> FollowUp:
        given.append(on_commit)
        return EnqueueNext()

    steps.script = [note, Stop("done")]
    ObanJobs(database, path="module.Name", atomic=False).enqueue(JOB)
    assert len(work(database, {"completed"})) == 2
    assert given == [None]


@needs_oban
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_ledger_that_is_not_beside_obans_tables_is_told_with_the_way_out(
    kind: str, database: Database, steps: Scripted, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    if kind == "postgresql":
        url = database.engine.url.set(database="postgres").render_as_string(hide_password=False)

    def step(on_commit: OnCommit | None) -> FollowUp:
        assert on_commit is not None
        with closing(Database(url, create=True)) as ledger, ledger.begin() as connection:
            on_commit(connection, None)
        return EnqueueNext()

    steps.script = [step]
    ObanJobs(database, path="module.Name").enqueue(JOB)
    assert len(work(database, {"retryable"})) == 1
    [(errors,)] = rows(database, "SELECT errors FROM oban_jobs")
    assert "EnqueueError: articles dry-run is not enqueued" in errors[0]["error"]
    assert "atomic=False" in errors[0]["error"]


@needs_oban
def test_the_worker_of_the_page_is_found_by_its_path(
    database: Database, steps: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = read(REPOSITORY / "docs" / "oban.md")
    [code] = [b.text for b in blocks("oban.md", text) if b.text.startswith("# my_worker.py\n")]
    url = database.engine.url.render_as_string(hide_password=False)
    module = code.replace("postgresql://user@host/name", url)
    (tmp_path / "my_worker.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    steps.script = [Stop("done")]
    enqueue = (
        "from kclassify.adapters.job import Job\nfrom my_worker import jobs\n"
        "jobs.enqueue(Job(run='articles', number=1))"
    )
    subprocess.run([sys.executable, "-c", enqueue], cwd=tmp_path, check=True)
    assert [row[0] for row in work(database, {"completed"})] == ["completed"]
    importlib.import_module("my_worker").jobs._database.close()


@needs_oban
@pytest.mark.slow
@pytest.mark.services
def test_the_example_relabels_with_a_snooze_on_the_way(postgres_url: str, tmp_path: Path) -> None:
    example = str(REPOSITORY / "examples" / "oban_worker.py")
    ended = subprocess.run(
        [sys.executable, "-W", "error", example, postgres_url],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "SnoozeFor" in ended.stdout
    assert "[('playbook', 200)]" in ended.stdout
    assert list(tmp_path.iterdir()) == []
