"""Oban: one worker class that takes the steps of a run, a job each. Python 3.12 or newer.

jobs = ObanJobs(Database("postgresql://user@host/name"), path="my_worker.Relabel")
Relabel = jobs.worker  # in my_worker.py, where Oban finds it

`kclassify start --app my_worker:jobs` begins a run, or `kclassify.adapters.kick.start` with `jobs`.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

import anyio.to_thread
from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import ProgrammingError

from kclassify.adapters.from_config import from_config
from kclassify.adapters.job import Job
from kclassify.adapters.translate import Build, take_step
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.core.item import Key
from kclassify.database import Database, reason_of
from kclassify.errors import DatabaseError, EnqueueError, MissingExtra, UsageError
from kclassify.events import logger


class ObanJob(Protocol):
    """What is used of an `oban.Job`."""

    id: int | None
    args: dict[str, Any]
    attempt: int


class ObanJobs:
    """A `JobSystem` on the Oban tables of a PostgreSQL database, in the schema `prefix`.

    `worker` is the class that Oban calls, and `path` where it finds that: `module.Name`. `options`
    are those of `oban.worker`: `queue`, `max_attempts`, `priority`.

    `atomic` enqueues the next step in the transaction of the writes, for which the ledger has to be
    in this database. Where it is not, `atomic=False` enqueues it after that.

    Raises `MissingExtra` without Oban and `UsageError` for another kind of database.
    """

    name = "oban"

    def __init__(
        self,
        database: Database,
        build: Build = from_config,
        *,
        path: str,
        prefix: str = "public",
        atomic: bool = True,
        **options: Any,  # noqa: ANN401  # whatever Oban's decorator takes
    ) -> None:
        if database.engine.dialect.name != "postgresql":
            raise UsageError(f"Oban's jobs are in PostgreSQL, not in {database.description}")
        self._oban = _library("oban")
        self._database = database
        self._build = build
        self._atomic = atomic
        # Every insert is given a connection, so that this pool is never opened.
        pool = _library("psycopg_pool").AsyncConnectionPool(open=False)
        self._client = self._oban.Oban(pool=pool, prefix=prefix, name=f"kclassify {path}")
        self.worker = self._register(path, options)

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """Insert the job. Raises `EnqueueError`, which names the database."""
        try:
            with self._database.begin() as connection:
                self._insert(connection, job, after_s)
        except DatabaseError as error:
            raise EnqueueError(f"{job.name} is not enqueued: {error}") from None

    def _register(self, path: str, options: dict[str, Any]) -> Any:  # noqa: ANN401  # Oban's own
        module, _, name = path.rpartition(".")
        if not module:
            raise UsageError(f"Oban finds a worker by `module.Name`, not by {path!r}")

        async def process(_: object, told: ObanJob) -> object:
            return await self._take(told)

        made = type(name, (), {"process": process, "__module__": module})
        return self._oban.worker(**options)(made)

    def _insert(self, connection: Connection, job: Job, after_s: int = 0) -> None:
        delay = {"scheduled_in": after_s} if after_s else {}
        made = self.worker.new(job.arguments(), **delay)
        asyncio.run(self._client.enqueue(made, conn=_Transaction(connection)))

    async def _take(self, told: ObanJob) -> object:
        """Take the step of this job; what Oban does with the job then."""
        try:
            job = Job.of(told.args)
        except UsageError as error:
            return self._translated(Fail(str(error)))
        logger.info("%s: a step begins, oban job %s, attempt %s", job.name, told.id, told.attempt)
        enqueued: list[Job] = []

        def on_commit(connection: Connection, _: Key | None) -> None:
            self._insert_beside(connection, job)
            enqueued.append(job)

        following = await take_step(self._build, job, on_commit if self._atomic else None)
        if isinstance(following, EnqueueNext) and not enqueued:
            await anyio.to_thread.run_sync(self.enqueue, job)
        logger.info("%s: %s", job.name, following)
        return self._translated(following)

    def _translated(self, following: FollowUp) -> object:
        match following:
            case SnoozeFor(seconds, reason):
                return self._oban.Snooze(seconds, {"reason": reason})
            case Fail(reason):
                return self._oban.Cancel(reason)
            case EnqueueNext() | Stop():
                return None

    def _insert_beside(self, connection: Connection, job: Job) -> None:
        """Insert the job in a transaction of the ledger's. Raises `EnqueueError`."""
        refusal = None
        if connection.dialect.name != "postgresql":
            refusal = "the ledger is not in PostgreSQL"
        else:
            try:
                self._insert(connection, job)
            except ProgrammingError as error:
                refusal = reason_of(error)
        if refusal is not None:
            raise EnqueueError(
                f"{job.name} is not enqueued beside the ledger: {refusal}. Where Oban has a "
                "database of its own, set ObanJobs(..., atomic=False)"
            )


class _Transaction:
    """A connection of SQLAlchemy's in the shape that Oban inserts with."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: str, parameters: dict[str, Any]) -> _Rows:
        """Execute it in the transaction that is open. Raises what SQLAlchemy raises."""
        return _Rows(self._connection.exec_driver_sql(statement, parameters))


class _Rows:
    def __init__(self, result: CursorResult[Any]) -> None:
        self._result = result

    async def fetchone(self) -> Any:  # noqa: ANN401  # a row of whatever was selected
        """The next row, or None."""
        return self._result.fetchone()


def _library(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtra(
            "Oban is not installed: pip install 'kclassify[oban]', on Python 3.12 or newer"
        ) from None
