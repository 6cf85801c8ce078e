"""Relabels a SQLite table: dry run, commit, roll back.

With ANTHROPIC_API_KEY set it asks Anthropic: three short calls. Without a key it starts the stub
API of kclassify.testing (extra `testing`) and asks that, so that it runs offline.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import anyio

import kclassify
from kclassify.store import rollback, this_holder
from kclassify.testing import Rule, StubMessagesAPI

PLAYBOOK = kclassify.Category(name="playbook", definition="ordered steps that get one task done")
PATTERN = kclassify.Category(name="pattern", definition="a reusable shape of a solution")
CONVENTION = kclassify.Category(name="convention", retired=True)
TAXONOMY = kclassify.Taxonomy[str]("articles", (PLAYBOOK, PATTERN, CONVENTION))
ARTICLES = (
    ("Rotate the signing key", "1. Create a key. 2. Publish it. 3. Remove the old one."),
    ("Claim check", "Large payloads go to object storage; the queue carries the address."),
    ("Outbox", "Events are written beside the rows and are sent by a relay of their own."),
)


async def relabel(database: kclassify.Database) -> None:
    """Show what would change, change it, put it back."""
    source = kclassify.SqlSource(
        database, "articles", key="id", title="title", body="body", current="label"
    )
    writer = kclassify.ColumnWriter(database, "articles", key="id", current="label")
    ledger = kclassify.SqlLedger(database)
    async with kclassify.Classifier(TAXONOMY) as model:
        runner = kclassify.ReclassifyRunner(
            source=source, classifier=model, ledger=ledger, writer=writer
        )
        print("dry run:", await runner.dry_run(), *source.page(None, 9), sep="\n  ")
        print("commit:", await runner.commit(override="example"), *source.page(None, 9), sep="\n  ")
    undone = rollback(ledger, writer, runner.name, this_holder(), time.time, lease_s=60)
    print("rollback:", undone, *source.page(None, 9), sep="\n  ")


with ExitStack() as stack:
    if not os.environ.get("ANTHROPIC_API_KEY"):
        said = Rule(lambda text, _: ("playbook" if "1. " in text else "pattern", 0.9))
        stub = stack.enter_context(StubMessagesAPI(said))
        os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
    file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "articles.db"
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("CREATE TABLE articles (id INTEGER PRIMARY KEY, title, body, label)")
        insert = "INSERT INTO articles (title, body, label) VALUES (?, ?, 'convention')"
        made.executemany(insert, ARTICLES)
    anyio.run(relabel, stack.enter_context(closing(kclassify.Database(f"sqlite:///{file}"))))
