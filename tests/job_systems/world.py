"""One case's world: a table, a provider, the settings of a run, and the workers on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast
from unittest.mock import patch

from sqlalchemy import make_url

from kclassify import Database, Mode, SqlSource, verify
from kclassify.adapters.from_config import from_config
from kclassify.adapters.job import Job
from kclassify.adapters.kick import kick, start
from kclassify.core.finding import Verification
from kclassify.testing import BatchRules, Fixed, Overloaded, StubMessagesAPI, calls_seen
from tests.conftest import REPOSITORY
from tests.job_systems.driver import Driver
from tests.job_systems.material import (
    CONCURRENCY,
    ITEMS,
    NEW,
    RUN,
    ask_in_batches,
    fill,
    write_settings,
)
from tests.job_systems.worker_process import PATIENCE_S, WorkerProcess, wait_for
from tests.small import TAXONOMY
from tests.tables import rows, run

T = TypeVar("T")


@dataclass
class SwitchedLatency:
    """How long an answer takes, which a test changes as it goes."""

    mean: float = 0.05

    def seconds(self, index: int) -> float:
        """The same for all requests."""
        return self.mean


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run came to that kept its promises."""

    rows: int
    distinct: int
    items: int
    paid_twice: int


@dataclass
class World:
    """A table of `ITEMS` rows on the old label, of which a trigger notes each write.

    `url` is that of the database (SQLAlchemy's), `folder` holds kclassify.toml and is the workers'
    working folder. `name` is one that nobody else has: for queues.
    """

    url: str
    folder: Path
    stub: StubMessagesAPI
    latency: SwitchedLatency
    database: Database
    healed: bool = False
    workers: list[WorkerProcess] = field(default_factory=list[WorkerProcess])

    def __post_init__(self) -> None:
        fill(self.database)
        write_settings(self.folder, self.url)

    @property
    def name(self) -> str:
        return str(make_url(self.url).database)

    @property
    def postgres(self) -> str:
        """The database as libpq and psycopg take it: `postgresql://...`."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)

    def job(self, budget_s: float = 0.5) -> Job:
        """A step of this run; at the usual latency four of half a second do it."""
        return Job(
            run=RUN,
            mode=Mode.COMMIT,
            override="the matrix",
            budget_s=budget_s,
            config=str(self.folder / "kclassify.toml"),
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a worker process needs."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANTHROPIC_", "OPENAI_"))}
        paths = (HURRIED, REPOSITORY / "src", REPOSITORY)
        return {
            **kept,
            **self._provider,
            "KCLASSIFY_TEST_CRASH": str(self._crash),
            "PYTHONPATH": os.pathsep.join(str(path) for path in paths),
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def _provider(self) -> dict[str, str]:
        return {"ANTHROPIC_API_KEY": "stub", "ANTHROPIC_BASE_URL": self.stub.url}

    def worker(
        self, command: Sequence[str], *, paths: Sequence[Path] = (), **environment: str
    ) -> WorkerProcess:
        """Start one: the command without the interpreter, `["-m", "celery", ...]`.

        `paths` are folders to import from, beside those of kclassify and its tests.
        """
        known = self.environment | environment
        known["PYTHONPATH"] = os.pathsep.join([known["PYTHONPATH"], *map(str, paths)])
        made = WorkerProcess(
            [sys.executable, *command],
            known,
            self.folder / f"worker-{len(self.workers)}.log",
        )
        self.workers.append(made)
        return made

    def begin(self, driver: Driver, budget_s: float = 0.5) -> Job:
        """Start the run in the driver's queue, as `kclassify start` does; its first job."""
        job = self.job(budget_s)
        with patch.dict(os.environ, self._provider), from_config(job) as runner:
            started = start(runner, self.database, _Queue(driver), job)
        assert isinstance(started, list), started
        return started[0]

    def heal(self, driver: Driver) -> None:
        """`kick`, which finds the chain that nobody goes on with."""
        self.healed = True
        assert kick(self.database, _Queue(driver), RUN, fresh_s=0.0), self.told()

    def ask_in_batches(self) -> None:
        """The run asks in batches, which end when they are told to."""
        ask_in_batches(self.folder)
        self.stub.set_batch_rules(BatchRules(seconds=None))

    def end_batches(self) -> None:
        """Those in progress end now, and later ones soon."""
        self.stub.set_batch_rules(BatchRules(seconds=0.1))
        self.stub.end_batches()

    def break_down(self) -> None:
        """An outage of the provider begins."""
        self.stub.set_fault(Overloaded())

    def mend(self) -> None:
        """And ends."""
        self.stub.set_fault(None)

    def crash_before_the_next_enqueue(self) -> None:
        """The next worker that has more to do dies with its machine, after the commit."""
        self._crash.touch()

    @property
    def _crash(self) -> Path:
        return self.folder / "crash"

    def fail_the_next_commit_with_a_job(self, table: str) -> None:
        """The next transaction that puts a row into this table is rolled back as it commits."""
        run(
            self.database,
            "CREATE SEQUENCE enqueued",
            "CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF nextval('enqueued') = 1 THEN RAISE 'planted failure'; END IF; "
            "RETURN new; END $$",
            f"CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_once()",
        )

    @property
    def commits_failed(self) -> bool:
        """Whether a transaction was rolled back so."""
        return bool(rows(self.database, "SELECT is_called FROM enqueued")[0][0])

    @property
    def snoozes(self) -> int:
        """How many in a row."""
        return self._one("SELECT snoozes FROM kclassify_breaker", 0)

    @property
    def status(self) -> str:
        """Of the pass: `open`, `done`, `halted`; empty before there is one."""
        return self._one("SELECT status FROM kclassify_pass ORDER BY id DESC LIMIT 1", "")

    @property
    def settled(self) -> int:
        """How many items are behind the cursor."""
        return self._one("SELECT settled FROM kclassify_pass ORDER BY id DESC LIMIT 1", 0)

    def _one(self, query: str, otherwise: T) -> T:
        """The only value, where the ledger is there by now."""
        if rows(self.database, "SELECT to_regclass('kclassify_look')") == [(None,)]:
            return otherwise
        found = rows(self.database, query)
        return cast("T", found[0][0]) if found else otherwise

    def wait_until_answered(self, calls: int) -> None:
        """The provider has answered so many."""
        self.wait_for(lambda: self.stub.answered >= calls, f"{calls} answered calls")

    @property
    def is_idle(self) -> bool:
        """Whether no call is in flight."""
        return self.stub.state.in_flight == 0

    def wait_until_in_flight(self, calls: int = 1) -> None:
        """So many calls are in flight."""
        self.wait_for(lambda: self.stub.state.in_flight >= calls, f"{calls} calls in flight")

    def wait_until_done(self, timeout_s: float = PATIENCE_S) -> None:
        """The ledger says so. A failure of the database is a halt until the next step."""
        self.wait_for(lambda: self.status == "done", "the end of the run", timeout_s)

    def wait_for(self, holds: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
        """Return once it holds; else `AssertionError` with the end of each worker's log.

        At once when no worker is left to bring it about.
        """
        try:
            wait_for(lambda: holds() or not self._is_anyone_at_work, what, timeout_s)
            assert holds(), f"the worker ended before: {what}"
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.told()}") from None

    @property
    def _is_anyone_at_work(self) -> bool:
        return any(worker.is_running for worker in self.workers)

    def told(self) -> str:
        """What a failing test says."""
        logs = "\n".join(worker.tail() for worker in self.workers)
        return f"{self.stub.state}\nstatus {self.status!r}, settled {self.settled}\n{logs}"

    def assert_kept(self) -> Kept:
        """The run is done, each row was written once, and the checker finds nothing."""
        assert self.status == "done", self.told()
        self.stub.wait_until(lambda state: state.in_flight == 0)
        written = rows(self.database, "SELECT id, category FROM writes")
        assert {label for (label,) in rows(self.database, "SELECT category FROM articles")} == {NEW}
        assert {label for _, label in written} == {NEW}
        distinct = len({key for key, _ in written})
        assert len(written) == distinct == ITEMS
        found = self._verify()
        assert found.is_clean, found.findings
        assert not found.remarks, found.remarks
        assert found.paid_twice is not None
        return Kept(len(written), distinct, ITEMS, found.paid_twice)

    def _verify(self) -> Verification:
        return verify(
            self.database,
            RUN,
            source=SqlSource(self.database, "articles", key="id", body="body", current="category"),
            taxonomy=TAXONOMY,
            calls=calls_seen(self.stub),
            alone=True,
            max_concurrency=CONCURRENCY,
        )


@dataclass(frozen=True)
class _Queue:
    """A driver as `start` and `kick` want it."""

    driver: Driver
    name: str = "matrix"

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        self.driver.enqueue(job, after_s)


HURRIED = Path(__file__).with_name("hurried")


@contextmanager
def open_world(url: str, folder: Path) -> Generator[World]:
    """The workers are killed and everything is closed on exit."""
    latency = SwitchedLatency()
    database = Database(url)
    with StubMessagesAPI(Fixed(NEW), latency=latency) as stub:
        world = World(url, folder, stub, latency, database)
        try:
            yield world
        finally:
            for worker in world.workers:
                worker.kill()
            database.close()
