"""What `start` and `kick` need of a job system: to put a job in its queue, from anywhere."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from kclassify.adapters.job import Job


@runtime_checkable
class JobSystem(Protocol):
    """An adapter, bound to the application's own connection, broker or app object."""

    @property
    def name(self) -> str:
        """As the command line calls it: `celery`, `oban`."""
        ...

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """Put the job in the queue, to be run in so many seconds.

        For callers outside of a worker: synchronous, and no event loop runs in this thread. Raises
        `EnqueueError`, which names the service, when it cannot.
        """
        ...
