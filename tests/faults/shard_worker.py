"""A worker that commits what shards are free, in a process that was made ready."""

from __future__ import annotations

import multiprocessing
import sys
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

import anyio

from kclassify import (
    Classifier,
    ColumnWriter,
    Database,
    Decision,
    Mode,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
)
from tests.crash.worker import TAXONOMY
from tests.faults.long_run_worker import TIMEOUT_S, table

RUN = "shared"
REASON = "a test of shards"


@dataclass(frozen=True)
class Place:
    """Where the workers of a run meet, and what each of them may do."""

    url: str
    stub_url: str
    shards: int = 1
    max_concurrency: int = 16
    shared_concurrency: int | None = None
    timeout_s: float = TIMEOUT_S

    def runner(self, classifier: Classifier[str], database: Database) -> ReclassifyRunner:
        return ReclassifyRunner(
            source=table(database),
            classifier=classifier,
            ledger=SqlLedger(database),
            writer=ColumnWriter(database, "articles", key="id", current="category"),
            name=RUN,
            settings=RunnerSettings(
                max_concurrency=self.max_concurrency,
                shards=self.shards,
                shared_concurrency=self.shared_concurrency,
                snooze_seconds=1,
                checkpoint_s=0.3,
            ),
            timeout_s=self.timeout_s,
        )

    def classifier(self) -> Classifier[str]:
        return Classifier(
            TAXONOMY, base_url=self.stub_url, api_key="stub", timeout_s=self.timeout_s
        )


async def commit(place: Place) -> Decision:
    with closing(Database(place.url)) as database:
        async with place.classifier() as classifier:
            return await place.runner(classifier, database).commit(override=REASON)


async def prepare(place: Place) -> int | Decision:
    with closing(Database(place.url)) as database:
        async with place.classifier() as classifier:
            runner = place.runner(classifier, database)
            return await runner.prepare(mode=Mode.COMMIT, override=REASON)


def work(place: Place) -> None:
    """The process: it ends well unless it raises."""
    print(anyio.run(commit, place), file=sys.stderr, flush=True)


def start(place: Place) -> BaseProcess:
    """A process of its own, that has imported everything: a fork of one that did nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.faults.long_run_ready"])
    process = context.Process(target=work, args=(place,))
    process.start()
    return process
