"""A worker that commits a table through whatever happens: `long_run_worker.py URL STUB_URL`."""

from __future__ import annotations

import sys

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


if __name__ == "__main__":
    sys.exit(0 if anyio.run(commit, sys.argv[1], sys.argv[2]) else 1)
