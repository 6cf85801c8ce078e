"""Relabels a SQLite table: dry run, commit, roll back.

With ANTHROPIC_API_KEY set it asks Anthropic: three short calls. Without a key it starts the stub API
of kclassify.testing (extra `testing`) and asks that, so that it runs offline.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import anyio

from kclassify import Category, Classifier, ColumnWriter, Database, ReclassifyRunner, SqlLedger
from kclassify import SqlSource, Taxonomy
from kclassify.store import rollback, this_holder
from kclassify.testing import Rule, StubMessagesAPI

PLAYBOOK = Category(name="playbook", definition="ordered steps that get one task done")
PATTERN = Category(name="pattern", definition="a reusable shape of a solution, with its trade-offs")
TAXONOMY = Taxonomy[str]("articles", (PLAYBOOK, PATTERN, Category(name="convention", retired=True)))
ARTICLES = [
    ("Rotate the signing key", "1. Create a key. 2. Publish it. 3. Remove the old one."),
    ("Claim check", "Large payloads go to object storage; the queue carries the address."),
    ("Outbox", "Events are written beside the rows and are sent by a relay of their own."),
]


def look_for_steps(text: str, _: tuple[str, ...]) -> tuple[str, float]:
    """What the stub answers."""
    return ("playbook" if "1. " in text else "pattern"), 0.9


async def relabel(database: Database) -> None:
    """Show what would change, change it, put it back."""
    source = SqlSource(database, "articles", key="id", title="title", body="body", current="label")
    writer = ColumnWriter(database, "articles", key="id", current="label")
    ledger = SqlLedger(database)
    async with Classifier(TAXONOMY) as classifier:
        runner = ReclassifyRunner(
            source=source, classifier=classifier, ledger=ledger, writer=writer, name="example"
        )
        print("dry run:", await runner.dry_run(), labels(database))
        print("commit:", await runner.commit(override="an example"), labels(database))
    report = rollback(ledger, writer, "example", this_holder(), time.time, lease_s=60)
    print("rollback:", report, labels(database))


def labels(database: Database) -> list[str]:
    """The labels in the table now."""
    with database.connect() as connection:
        return list(connection.exec_driver_sql("SELECT label FROM articles ORDER BY id").scalars())


with ExitStack() as stack:
    if not os.environ.get("ANTHROPIC_API_KEY"):
        stub = stack.enter_context(StubMessagesAPI(Rule(look_for_steps)))
        os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
    file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "articles.db"
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("CREATE TABLE articles (id INTEGER PRIMARY KEY, title, body, label)")
        rows = [(*article, "convention") for article in ARTICLES]
        made.executemany("INSERT INTO articles (title, body, label) VALUES (?, ?, ?)", rows)
    anyio.run(relabel, stack.enter_context(closing(Database(f"sqlite:///{file}"))))
