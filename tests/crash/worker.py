"""A worker that commits a table until it is done or killed: `worker.py URL STUB_URL`.

It prints `working` when the first call has come back.
"""

from __future__ import annotations

import sys

import anyio

from kclassify import (
    Category,
    Classifier,
    ColumnWriter,
    Database,
    Done,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    Taxonomy,
)
from kclassify.events import CallEnded, Event

LABELS = ("left", "right", "straight")
TAXONOMY = Taxonomy[str](
    "directions",
    (
        *(Category(name=label, definition=f"goes {label}") for label in LABELS),
        Category(name="old", retired=True),
    ),
)


def say_working(event: Event) -> None:
    if isinstance(event, CallEnded):
        print("working", flush=True)


async def commit(url: str, stub_url: str) -> bool:
    database = Database(url)
    classifier = Classifier(TAXONOMY, base_url=stub_url, api_key="stub")
    runner = ReclassifyRunner(
        source=SqlSource(database, "articles", key="id", body="body", current="category"),
        classifier=classifier,
        ledger=SqlLedger(database),
        writer=ColumnWriter(database, "articles", key="id", current="category"),
        name="killed",
        settings=RunnerSettings(max_concurrency=10, checkpoint_s=0.2),
        listeners=[say_working],
    )
    return await runner.commit(override="crash test") == Done()


if __name__ == "__main__":
    sys.exit(0 if anyio.run(commit, sys.argv[1], sys.argv[2]) else 1)
