"""Relabels a PostgreSQL table, with the ledger beside it: one transaction holds both.

    python examples/postgres_table.py postgresql://user@host/name

It works in a schema of its own, kclassify_example, and drops it at the end. With ANTHROPIC_API_KEY
set it asks Anthropic; without a key it starts the stub API of kclassify.testing (extra `testing`).
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

import anyio
from sqlalchemy import make_url

import kclassify
from kclassify.testing import Fixed, StubMessagesAPI

SCHEMA = "kclassify_example"
PLAYBOOK = kclassify.Category(name="playbook", definition="ordered steps that get one task done")
PATTERN = kclassify.Category(name="pattern", definition="a reusable shape of a solution")
TAXONOMY = kclassify.Taxonomy[str]("articles", (PLAYBOOK, PATTERN))


async def relabel(db: kclassify.Database) -> None:
    """Label rows that have no label yet."""
    async with kclassify.Classifier(TAXONOMY) as classifier:
        runner = kclassify.ReclassifyRunner(
            source=kclassify.SqlSource(db, "articles", key="id", body="body", current="label"),
            classifier=classifier,
            ledger=kclassify.SqlLedger(db),
            writer=kclassify.ColumnWriter(db, "articles", key="id", current="label"),
        )
        print(await runner.commit(override="an example"))


def run(db: kclassify.Database, *statements: str) -> None:
    """Run statements in one transaction."""
    with db.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


with ExitStack() as stack:
    if not os.environ.get("ANTHROPIC_API_KEY"):
        stub = stack.enter_context(StubMessagesAPI(Fixed("playbook", 0.9)))
        os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
    url = sys.argv[1] if len(sys.argv) > 1 else "postgresql://postgres@127.0.0.1/postgres"
    # Where the search path leads, the ledger creates its tables.
    inside = make_url(url).update_query_dict({"options": f"-csearch_path={SCHEMA}"})
    db = kclassify.Database(inside.render_as_string(hide_password=False))
    stack.callback(db.close)
    run(db, f"CREATE SCHEMA {SCHEMA}")
    stack.callback(run, db, f"DROP SCHEMA {SCHEMA} CASCADE")
    run(db, "CREATE TABLE articles (id uuid PRIMARY KEY, body text, label text)")
    run(db, "INSERT INTO articles VALUES (gen_random_uuid(), '1. Stop it. 2. Start it.')")
    anyio.run(relabel, db)
    with db.connect() as connection:
        print(*connection.exec_driver_sql("SELECT body, label FROM articles"), sep="\n")
