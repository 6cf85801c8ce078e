"""A table, a taxonomy long enough to be cached, and a worker: `bench URL STUB_URL TRANSPORT`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import anyio
import sqlalchemy as sa

from kclassify import (
    Category,
    Classifier,
    ColumnWriter,
    Database,
    Decision,
    LedgerReader,
    Mode,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    Taxonomy,
)
from kclassify.core.batch import BatchLimits
from kclassify.core.price import Price
from kclassify.core.spending import Spending
from kclassify.events import Listener

RUN = "metered"
MODEL = "claude-haiku-4-5"
PRICE = Price(
    f"anthropic/{MODEL}",
    input=Decimal(1),
    output=Decimal(5),
    cache_write=Decimal("1.25"),
    cache_write_1h=Decimal(2),
    cache_read=Decimal("0.1"),
    batch_factor=Decimal("0.5"),
    min_cache_tokens=1024,
)
CONCURRENCY = 10
BUDGET = Decimal(5)
Transport = Literal["direct", "batch"]


def taxonomy(words: int = 1200) -> Taxonomy[str]:
    """With so many words of examples: they are in the part of the prompt that all items share."""
    examples = ("An example of what goes there: " + "left " * words,)
    return Taxonomy[str](
        "directions",
        (
            Category(name="left", definition="goes left", examples=examples),
            Category(name="right", definition="goes right"),
            Category(name="old", definition="what was", retired=True),
        ),
    )


def fill(url: str, rows: int) -> None:
    """A table of so many articles, each with a text of its own."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)"
        )
        connection.execute(
            sa.text("INSERT INTO articles VALUES (:id, :body, 'old')"),
            [
                {"id": n, "body": f"The text of article {n}. " + "word " * (n % 50)}
                for n in range(rows)
            ],
        )
    engine.dispose()


def classifier(
    stub_url: str,
    transport: Transport = "direct",
    *,
    words: int = 1200,
    cache: Literal["5m", "1h", "off"] = "5m",
    requests: int = 2000,
) -> Classifier[str]:
    """The real client, pointed at the stub."""
    return Classifier(
        taxonomy(words),
        model=MODEL,
        base_url=stub_url,
        api_key="stub",
        price=PRICE,
        cache=cache,
        transport=transport,
        batch=BatchLimits(requests=requests, poll_s=0.2),
    )


def runner(
    url: str,
    asked: Classifier[str],
    settings: RunnerSettings | None = None,
    listeners: Iterable[Listener] = (),
) -> ReclassifyRunner:
    """Over the table, with the ledger in the same database."""
    database = Database(url)
    return ReclassifyRunner(
        source=SqlSource(database, "articles", key="id", body="body", current="category"),
        classifier=asked,
        ledger=SqlLedger(database),
        writer=ColumnWriter(database, "articles", key="id", current="category"),
        name=RUN,
        settings=settings
        or RunnerSettings(max_concurrency=CONCURRENCY, checkpoint_s=0.2, budget_usd=BUDGET),
        listeners=list(listeners),
    )


def spending(url: str) -> Spending:
    """What the ledger says that the run came to."""
    database = Database(url)
    try:
        return LedgerReader(database).status(RUN).spending
    finally:
        database.close()


async def work(
    url: str,
    asked: Classifier[str],
    mode: Mode = Mode.COMMIT,
    settings: RunnerSettings | None = None,
    listeners: Iterable[Listener] = (),
) -> Decision:
    """One run of the runner to its end, with nothing left open."""
    async with asked:
        runs = runner(url, asked, settings, listeners)
        try:
            if mode is Mode.COMMIT:
                return await runs.commit(override="a test")
            return await runs.dry_run()
        finally:
            runs.source.close()
            runs.ledger.close()


if __name__ == "__main__":
    transport: Transport = "batch" if sys.argv[3] == "batch" else "direct"
    print(anyio.run(work, sys.argv[1], classifier(sys.argv[2], transport)))
