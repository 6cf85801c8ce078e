"""DBOS: one durable workflow a chain, which takes steps, sleeps through snoozes and ends.

config: DBOSConfig = {"name": "articles", "system_database_url": "postgresql://..."}
jobs = DbosJobs(config)              # before DBOS.launch(), in the worker and in what enqueues

`kclassify start --app my_worker:jobs` begins a run, or `kclassify.adapters.kick.start` with `jobs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import anyio
from sqlalchemy import make_url

from kclassify.adapters.from_config import from_config
from kclassify.adapters.job import Job
from kclassify.adapters.own_loop import take_step_apart
from kclassify.adapters.translate import Build
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.errors import EnqueueError, MissingExtra, StepFailed
from kclassify.events import logger

if find_spec("dbos") is None:
    raise MissingExtra("DBOS is not installed: pip install 'kclassify[dbos]'")
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions

STEPS_OF_A_WORKFLOW = 500
"""A recovered workflow reads the records of all its steps: 500 are read in about a second."""


class DbosJobs:
    """A `JobSystem` on DBOS: a workflow's arguments hold a `Job`, the ledger all the rest.

    The workflow of a job is called `articles commit 1 #1`, the next one of the same job
    `articles commit 1 #2`. `workflow` is the name that its function is registered by, once in a
    process and before `DBOS.launch()`. `steps` is the number after which a workflow is
    succeeded by the next: a change of it is a new application version.
    """

    name = "dbos"

    def __init__(
        self,
        config: DBOSConfig,
        build: Build = from_config,
        *,
        queue: str = "kclassify",
        workflow: str = "kclassify.steps",
        steps: int = STEPS_OF_A_WORKFLOW,
    ) -> None:
        self._config = config
        self._build = build
        self._queue = queue
        self._workflow = workflow
        self._under_way = 0
        self._is_closing = False
        DBOS.workflow(name=workflow)(self._chain(steps))

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """Enqueue a workflow, unless one of this job waits in the queue already.

        It works with the system database alone and needs no launched DBOS. Raises `EnqueueError`,
        which names that database: it is there once a worker has been launched.
        """
        try:
            with self._client() as client:
                client.register_queue(self._queue, on_conflict="never_update")
                options = self._options(_waiting_or_next(client, job))
                if after_s:
                    options["delay_seconds"] = after_s
                client.enqueue(options, job.arguments())
        except Exception as error:  # noqa: BLE001  # drivers and DBOS have errors of their own
            raise EnqueueError(f"{job.name} is not enqueued: {self._told(error)}") from None

    def shut_down(self, grace_s: int = 30) -> None:
        """End DBOS in this process, once the steps under way are over or so many seconds are.

        No further step is begun. Workflows stay pending, to be resumed by the next process. For a
        worker's main thread after SIGTERM.
        """
        self._is_closing = True
        ends_at = time.monotonic() + grace_s
        while self._under_way and time.monotonic() < ends_at:
            time.sleep(0.05)
        DBOS.destroy()

    def _chain(self, steps: int) -> Callable[[dict[str, Any]], Coroutine[Any, Any, str]]:
        """The workflow. DBOS replays it: its code, and what a step returns, are a contract."""

        async def chain(arguments: dict[str, Any]) -> str:
            for _ in range(steps):
                pause_s, reason = await DBOS.run_step_async(
                    {"name": "kclassify.step"}, self._take, arguments
                )
                if pause_s is None:
                    return reason
                await DBOS.sleep_async(pause_s)
            successor = _successor(DBOS.workflow_id or "")
            await DBOS.enqueue_workflow_with_options_async(self._options(successor), arguments)
            return f"goes on as {successor}"

        return chain

    async def _take(self, arguments: dict[str, Any]) -> tuple[int | None, str]:
        """The seconds until the next step, None for no further one, and why."""
        if self._is_closing:
            await anyio.sleep_forever()
        job = Job.of(arguments)
        logger.info("%s: a step begins", job.name)
        self._under_way += 1
        try:
            pause_s, told = _pause(await take_step_apart(self._build, job))
        except StepFailed as failed:
            logger.error("%s: fails: %s", job.name, failed)
            raise
        finally:
            self._under_way -= 1
        logger.info("%s: %s", job.name, told)
        return pause_s, told

    def _options(self, workflow_id: str) -> EnqueueOptions:
        # No application version: a new workflow is for the workers of the latest one.
        return {
            "workflow_name": self._workflow,
            "queue_name": self._queue,
            "workflow_id": workflow_id,
        }

    @contextmanager
    def _client(self) -> Generator[DBOSClient]:
        client = DBOSClient(
            system_database_url=self._config.get("system_database_url"),
            system_database_engine=self._config.get("system_database_engine"),
            dbos_system_schema=self._config.get("dbos_system_schema") or "dbos",
            application_name=self._config.get("name"),
            retry_connection_errors=False,
        )
        try:
            yield client
        finally:
            client.destroy()

    def _told(self, error: Exception) -> str:
        """The error in one line, with the database's URL and without its password."""
        said = " ".join(str(error).partition("\n[SQL")[0].split()) or type(error).__name__
        given = self._config.get("system_database_url")
        if given is None:
            return f"DBOS's database: {said}"
        url = make_url(given)
        if url.password:
            said = said.replace(str(url.password), "***")
        return f"DBOS's database {url.render_as_string(hide_password=True)}: {said}"


def _pause(following: FollowUp) -> tuple[int | None, str]:
    match following:
        case EnqueueNext():
            return 0, "the next step follows"
        case SnoozeFor(seconds, reason):
            return seconds, f"snoozes for {seconds} s: {reason}"
        case Stop(reason):
            return None, f"stops: {reason}"
        case Fail(reason):
            raise StepFailed(reason)


def _waiting_or_next(client: DBOSClient, job: Job) -> str:
    """The id of the workflow of this job that has not begun, else the next one's.

    One that has begun may be running, or have lost its worker for ever: DBOS cannot tell. So it
    gets company, and a step of it that is under way makes the other one stop.
    """
    prefix = f"{job.name} #"
    found = client.list_workflows(
        workflow_id_prefix=prefix, sort_desc=True, limit=1, load_input=False, load_output=False
    )
    if not found:
        return f"{prefix}1"
    latest = found[0]
    has_begun = latest.executor_id is not None or latest.completed_at is not None
    return _successor(latest.workflow_id) if has_begun else latest.workflow_id


def _successor(workflow_id: str) -> str:
    prefix, _, number = workflow_id.rpartition("#")
    return f"{prefix}#{int(number) + 1}"
