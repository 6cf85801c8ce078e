"""A worker that commits a table through whatever happens, in a process that was made ready."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.process import BaseProcess

import anyio

from kclassify import (
    Classifier,
    ColumnWriter,
    Database,
    Done,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
)
from tests.crash.worker import TAXONOMY

RUN = "long"
CONCURRENCY = 16
SETTINGS = RunnerSettings(max_concurrency=CONCURRENCY, snooze_seconds=1, checkpoint_s=0.3)
TIMEOUT_S = 1.5


def table(database: Database) -> SqlSource:
    """The articles, as every part of the test reads them."""
    return SqlSource(database, "articles", key="id", body="body", current="category")


async def commit(url: str, stub_url: str) -> bool:
    database = Database(url)
    async with Classifier(
        TAXONOMY, base_url=stub_url, api_key="stub", timeout_s=TIMEOUT_S
    ) as classifier:
        runner = ReclassifyRunner(
            source=table(database),
            classifier=classifier,
            ledger=SqlLedger(database),
            writer=ColumnWriter(database, "articles", key="id", current="category"),
            name=RUN,
            settings=SETTINGS,
            timeout_s=TIMEOUT_S,
        )
        return await runner.commit(override="a test of faults") == Done()


def work(url: str, stub_url: str) -> None:
    """The process: its status is 0 when the run is done."""
    sys.exit(0 if anyio.run(commit, url, stub_url) else 1)


def start(url: str, stub_url: str) -> BaseProcess:
    """A process of its own, that has imported everything: a fork of one that did nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.faults.long_run_ready"])
    process = context.Process(target=work, args=(url, stub_url))
    process.start()
    return process
