"""A job system for tests: a file that jobs are listed in, and a worker that takes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from kclassify.adapters.from_config import from_config
from kclassify.adapters.job import Job
from kclassify.adapters.translate import run_step
from kclassify.core.follow_up import EnqueueNext, FollowUp
from tests.cli.place import Place

WORKER = """
import json
from pathlib import Path


class ListedJobs:
    name = "listed"

    def enqueue(self, job, after_s=0):
        with Path("queue.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(job.arguments()) + "\\n")


jobs = ListedJobs()
"""
JOBS = """
[jobs]
app = "worker:jobs"
on = "listed"
"""


@dataclass(frozen=True)
class Listed:
    """The jobs of a place whose worker module is `worker`."""

    place: Place

    def jobs(self) -> list[Job]:
        """What is enqueued and not taken yet."""
        if not self._file.exists():
            return []
        lines = self._file.read_text(encoding="utf-8").splitlines()
        return [Job.of(json.loads(line)) for line in lines]

    def take(self) -> list[Job]:
        """The same, which are gone from the queue then."""
        found = self.jobs()
        self._file.unlink(missing_ok=True)
        return found

    def work(self) -> list[tuple[Job, FollowUp]]:
        """Take steps until no job is left; each job with what followed."""
        taken: list[tuple[Job, FollowUp]] = []
        waiting = self.take()
        while waiting:
            job = waiting.pop(0)
            following = run_step(from_config, job)
            taken.append((job, following))
            if isinstance(following, EnqueueNext):
                waiting.append(job)
        return taken

    @property
    def _file(self) -> Path:
        return self.place.folder / "queue.jsonl"
