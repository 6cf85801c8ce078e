"""The runner in procrastinate: each step a job of its own in PostgreSQL.

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo="..."))
jobs = ProcrastinateJobs(app)
jobs.enqueue(Job(run="articles", mode=Mode.COMMIT))
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from kclassify.adapters.from_config import from_config
from kclassify.adapters.job import Job
from kclassify.adapters.translate import Build, take_step
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor
from kclassify.core.item import Key
from kclassify.errors import EnqueueError, KclassifyError, MissingExtra
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
except ImportError as error:
    raise MissingExtra(
        f"procrastinate is not installed ({error}): pip install 'kclassify[procrastinate]'"
    ) from None

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PLACE = (
    "SELECT pg_postmaster_start_time()::text || current_database() "
    "|| to_regclass('procrastinate_jobs')::oid AS place"
)
"""The same text for two connections that find the same queue; NULL where there is none."""


class ProcrastinateJobs:
    """Registers the task `task_name` with the app, and puts jobs for it into `queue`.

    Where ledger and queue are in one database, the next step is enqueued in the transaction of the
    writes and the cursor. A job that fails for good ends as `failed`; its reason is in the log and
    in the ledger. No retries are wanted, and no locks: the ledger's lease does what they would.
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
            raise EnqueueError(f"procrastinate takes no job: {_told(error)}") from None

    def _deferrer(
        self, app: App, after_s: int = 0, connection: object | None = None
    ) -> JobDeferrer:
        return app.configure_task(
            self._task_name,
            queue=self._queue,
            schedule_in={"seconds": after_s} if after_s else None,
            connection=connection,
        )

    async def _work(self, context: JobContext, /, **arguments: JSONValue) -> None:
        job = Job.of(arguments)
        logger.info("%s: a step starts", job.name)
        try:
            await self._step(job)
        except asyncio.CancelledError:
            if context.abort_reason() is AbortReason.USER_REQUEST:
                raise exceptions.JobAborted from None
            raise

    async def _step(self, job: Job) -> None:
        transaction = _Transaction(self, job, await self._place())
        following = await take_step(self._build, job, transaction)
        logger.info("%s: %s", job.name, following)
        if not (transaction.enqueued and following == EnqueueNext()):
            await self._follow(job, following)

    async def _follow(self, job: Job, following: FollowUp) -> None:
        match following:
            case EnqueueNext():
                await self._deferrer(self._app).defer_async(**job.arguments())
            case SnoozeFor():
                later = self._deferrer(self._app, following.seconds)
                await later.defer_async(**job.arguments())
            case Fail():
                raise KclassifyError(f"{job.name}: {following.reason}")
            case _:
                pass

    async def _place(self) -> str | None:
        row = await self._app.connector.execute_query_one_async(_PLACE)
        return cast("str | None", row["place"])

    def enqueue_in(self, connection: Connection, job: Job) -> None:
        """Put the job in the queue in this transaction."""
        used = connection.connection.driver_connection
        self._deferrer(self._bare, connection=used).defer(**job.arguments())


class _Transaction:
    """`on_commit`: enqueues the next step in it, where it is a transaction of the queue's place."""

    def __init__(self, jobs: ProcrastinateJobs, job: Job, place: str | None) -> None:
        self._jobs = jobs
        self._job = job
        self._place = place
        self.enqueued = False

    def __call__(self, connection: Connection, _: Key | None) -> None:
        self.enqueued = self._is_the_queues(connection)
        if self.enqueued:
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
    return " ".join(str(cause).split()) or type(cause).__name__
