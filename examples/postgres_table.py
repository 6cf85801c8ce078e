"""Relabels a PostgreSQL table; the ledger's tables lie beside it, so that one transaction holds all.

    python examples/postgres_table.py postgresql://user@host/name

It works in a schema of its own, kclassify_example, and drops it at the end. With ANTHROPIC_API_KEY
set it asks Anthropic; without a key it starts the stub API of kclassify.testing (extra `testing`).
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing

import anyio
from sqlalchemy import make_url

from kclassify import Category, Classifier, ColumnWriter, Database, ReclassifyRunner, SqlLedger
from kclassify import SqlSource, Taxonomy
from kclassify.testing import Fixed, StubMessagesAPI

SCHEMA = "kclassify_example"
PLAYBOOK = Category(name="playbook", definition="ordered steps that get one task done")
PATTERN = Category(name="pattern", definition="a reusable shape of a solution")
TAXONOMY = Taxonomy[str]("articles", (PLAYBOOK, PATTERN))


async def relabel(database: Database) -> None:
    """Label rows that have no label yet."""
    async with Classifier(TAXONOMY) as classifier:
        runner = ReclassifyRunner(
            source=SqlSource(database, "articles", key="id", body="body", current="label"),
            classifier=classifier,
            ledger=SqlLedger(database),
            writer=ColumnWriter(database, "articles", key="id", current="label"),
        )
        print(await runner.commit(override="an example"))


def run(database: Database, *statements: str) -> None:
    """Run statements in one transaction."""
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


with ExitStack() as stack:
    if not os.environ.get("ANTHROPIC_API_KEY"):
        stub = stack.enter_context(StubMessagesAPI(Fixed("playbook", 0.9)))
        os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
    url = sys.argv[1] if len(sys.argv) > 1 else "postgresql://postgres@127.0.0.1/postgres"
    # Where the search path leads, the ledger creates its tables.
    inside = make_url(url).update_query_dict({"options": f"-csearch_path={SCHEMA}"})
    database = Database(inside.render_as_string(hide_password=False))
    stack.callback(database.close)
    run(database, f"CREATE SCHEMA {SCHEMA}")
    stack.callback(run, database, f"DROP SCHEMA {SCHEMA} CASCADE")
    run(database, "CREATE TABLE articles (id uuid PRIMARY KEY, body text, label text)")
    run(database, "INSERT INTO articles VALUES (gen_random_uuid(), '1. Stop it. 2. Start it.')")
    anyio.run(relabel, database)
    with closing(database), database.connect() as connection:
        print(*connection.exec_driver_sql("SELECT body, label FROM articles"), sep="\n")
