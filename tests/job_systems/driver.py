"""What the test matrix needs of a job system: the hands with which a test moves it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Protocol

from kclassify.adapters.job import Job
from tests.job_systems.worker_process import WorkerProcess


class Case(StrEnum):
    """What is done to a chain of jobs, as the document calls it."""

    OUTAGE = "an outage of ten snoozes"
    SIGTERM_WITHIN = "SIGTERM, the step ends within the grace"
    SIGTERM_BEYOND = "SIGTERM, the step outlasts the grace"
    SIGKILL_STEP = "SIGKILL in mid-step"
    SIGKILL_SNOOZE = "SIGKILL in mid-snooze"
    DUPLICATE = "enqueued twice"
    LIVE_TIMEOUT = "a live job past its timeout"
    ROLLBACK = "the commit fails after the enqueue"
    CRASH = "a crash between commit and enqueue"
    BATCHES = "in batches, SIGKILL while one is in progress"


class Driver(Protocol):
    """One job system on its own queues, made by the fixture `driver` of a test file.

    Subclass this: what most systems answer alike is answered here. The queues are named for
    `world.name`, so that tests in other processes do not meet them.

    Attributes:
        jobs_table: where jobs are enqueued in the transaction of the writes, the table that they
            go to, in the world's database; None where they are enqueued after it.
        needs_heal: the cases after which nobody goes on by himself, and `kick` is wanted.
        has_timeout: whether the system runs a live job again after a while.
        grace_s: how long a worker is given in the case of a step that outlasts it, a few seconds
            at most. `start` sets the system's own to the same, where it has one; SIGKILL follows
            two seconds later.
    """

    jobs_table: ClassVar[str | None] = None
    needs_heal: ClassVar[frozenset[Case]] = frozenset()
    has_timeout: ClassVar[bool] = True
    grace_s: ClassVar[float] = 1.0

    def prepare(self) -> None:
        """Create tables and queues, empty. Called once, before anything else."""
        ...

    def clean(self) -> None:
        """Remove the queues again; what is in the world's own database goes with it."""
        return

    def start(self, *, grace_s: float = 5.0, timeout_s: float | None = None) -> WorkerProcess:
        """A worker that runs at least two jobs at once, by the system's own command.

        Made by `world.worker(command, **environment)`. `timeout_s` shrinks the time after which the
        system takes a live job for lost. It need not be ready when this returns.
        """
        ...

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """As the adapter does it from outside of a worker."""
        ...

    def waiting(self) -> int:
        """How many jobs are to be run, now or later, without those that run now."""
        ...

    def delayed(self) -> int:
        """How many jobs wait for their time: a snooze. Those asleep in a workflow count."""
        ...

    def attempts(self) -> int | None:
        """The largest attempt counter that a row or message of a job shows; None without any."""
        ...

    def expire(self) -> None:
        """Let the timeout of the live job pass, where that takes more than to wait for it."""
        return
