"""The runner in procrastinate: each step a job of its own in PostgreSQL.

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo="..."))
jobs = ProcrastinateJobs(app)

`kclassify start --app my_worker:jobs` begins a run, or `kclassify.adapters.kick.start` with `jobs`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from kclassify.adapters.from_config import from_config
from kclassify.adapters.job import Job
from kclassify.adapters.translate import Build, take_step
from kclassify.core.follow_up import EnqueueNext, Fail, SnoozeFor, Stop
from kclassify.core.item import Key
from kclassify.errors import EnqueueError, MissingExtra, StepFailed
from kclassify.events import logger

try:
    from procrastinate import (
        App,
        BaseRetryStrategy,
        JobContext,
        RetryDecision,
        SyncPsycopgConnector,
        exceptions,
    )
    from procrastinate.job_context import AbortReason
    from procrastinate.jobs import Job as Row
    from procrastinate.jobs import JobDeferrer
    from procrastinate.types import JSONValue
    from psycopg import Error as PsycopgError
except ImportError:
    raise MissingExtra(
        "procrastinate is not installed: pip install 'kclassify[procrastinate]'"
    ) from None

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PLACE = (
    "SELECT pg_postmaster_start_time()::text || current_database() "
    "|| to_regclass('procrastinate_jobs')::oid AS place"
)
"""The same text for two connections that find the same queue; NULL where there is none."""


class ProcrastinateJobs:
    """A `JobSystem` on a procrastinate app: registers the task, and puts jobs for it into `queue`.

    Where ledger and queue are in one database, the next step is enqueued in the transaction of the
    writes and the cursor. The only retry is that of a step which the shutdown of its worker cut. No
    locks are taken: a job that is stalled would block the rest, and the ledger has its lease.
    """

    name = "procrastinate"

    def __init__(
        self,
        app: App,
        build: Build = from_config,
        *,
        task_name: str = "kclassify.step",
        queue: str = "default",
    ) -> None:
        self._app = app
        # The connector of a worker is an async one, and the connection of a transaction is not.
        self._bare = App(connector=SyncPsycopgConnector())
        self._build = build
        self._task_name = task_name
        self._queue = queue
        task = app.task(name=task_name, queue=queue, pass_context=True, retry=_AfterShutdown())
        task(self._work)

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """Put the job in the queue, to be run in so many seconds; opens the app when it is not.

        Raises `EnqueueError`.
        """
        try:
            try:
                self._deferrer(self._app, after_s).defer(**job.arguments())
            except exceptions.AppNotOpen:
                with self._app.open():
                    self._deferrer(self._app, after_s).defer(**job.arguments())
        except (exceptions.ProcrastinateException, PsycopgError) as error:
            raise EnqueueError(f"{job.name} is not enqueued: {_told(error)}") from None

    def _deferrer(
        self, app: App, after_s: int = 0, connection: object | None = None
    ) -> JobDeferrer:
        return app.configure_task(
            self._task_name,
            queue=self._queue,
            schedule_in={"seconds": after_s} if after_s else None,
            connection=connection,
        )

    async def _work(self, context: JobContext, /, **arguments: JSONValue) -> str:
        job = Job.of(arguments)
        logger.info("%s: a step begins, procrastinate job %s", job.name, context.job.id)
        try:
            told = await self._step(job)
        except asyncio.CancelledError:
            if context.abort_reason() is AbortReason.USER_REQUEST:
                raise exceptions.JobAborted from None  # else it would be tried again
            raise
        logger.info("%s: %s", job.name, told)
        return told

    async def _step(self, job: Job) -> str:
        transaction = _Transaction(self, job, await self._place())
        match await take_step(self._build, job, transaction):
            case EnqueueNext():
                if not transaction.has_enqueued:
                    await self._deferrer(self._app).defer_async(**job.arguments())
                return "the next step is enqueued"
            case SnoozeFor(seconds, reason):
                await self._deferrer(self._app, seconds).defer_async(**job.arguments())
                return f"snoozes for {seconds} s: {reason}"
            case Stop(reason):
                return f"stops: {reason}"
            case Fail(reason):
                logger.error("%s: fails: %s", job.name, reason)
                raise StepFailed(reason)

    async def _place(self) -> str | None:
        row = await self._app.connector.execute_query_one_async(_PLACE)
        return cast("str | None", row["place"])

    def enqueue_in(self, connection: Connection, job: Job) -> None:
        """Put the job in the queue in this transaction. Raises `EnqueueError`."""
        used = connection.connection.driver_connection
        try:
            self._deferrer(self._bare, connection=used).defer(**job.arguments())
        except (exceptions.ProcrastinateException, PsycopgError) as error:
            raise EnqueueError(f"{job.name} is not enqueued: {_told(error)}") from None


class _Transaction:
    """`on_commit`: enqueues the next step in it, where it is a transaction of the queue's place."""

    def __init__(self, jobs: ProcrastinateJobs, job: Job, place: str | None) -> None:
        self._jobs = jobs
        self._job = job
        self._place = place
        self.has_enqueued = False

    def __call__(self, connection: Connection, _: Key | None) -> None:
        self.has_enqueued = self._is_the_queues(connection)
        if self.has_enqueued:
            self._jobs.enqueue_in(connection, self._job)

    def _is_the_queues(self, connection: Connection) -> bool:
        if self._place is None or connection.dialect.driver != "psycopg":
            return False
        return bool(connection.exec_driver_sql(_PLACE).scalar_one() == self._place)


class _AfterShutdown(BaseRetryStrategy):
    """A step that a worker's shutdown cut short is run again; no failure is."""

    def get_retry_decision(self, *, exception: BaseException, job: Row) -> RetryDecision | None:
        del job
        return RetryDecision() if isinstance(exception, asyncio.CancelledError) else None


def _told(error: BaseException) -> str:
    cause = error.__cause__ or error
    said = " ".join(str(cause).split()) or type(cause).__name__
    return f"procrastinate's database: {said}"
