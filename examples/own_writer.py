"""Hands each change to an application's own function: it writes, kclassify decides and audits.

With ANTHROPIC_API_KEY set it asks Anthropic: two short calls. Without a key it starts the stub API
of kclassify.testing (extra `testing`) and asks that, so that it runs offline.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import anyio

import kclassify
from kclassify.ports import Write
from kclassify.testing import Fixed, StubMessagesAPI

PLAYBOOK = kclassify.Category(name="playbook", definition="ordered steps that get one task done")
PATTERN = kclassify.Category(name="pattern", definition="a reusable shape of a solution")
TAXONOMY = kclassify.Taxonomy[str]("articles", (PLAYBOOK, PATTERN))

# The application: the labels of its articles, and the requests that it has seen.
labels: dict[str, str | None] = {"kb-1": None, "kb-2": "somebody was quicker"}
seen: set[str] = set()


def update(write: Write) -> bool:
    """Write one label; False when the row has changed since it was read: a recorded conflict."""
    change = write.change
    if write.idempotency_key in seen:  # the try before this one arrived, its answer did not
        return True
    if labels[str(change.key)] != change.before:
        return False
    labels[str(change.key)] = change.after
    seen.add(write.idempotency_key)
    return True


async def relabel(folder: Path) -> None:
    """Read items from a file, write them through `update`, keep the ledger in a file of its own."""
    ledger = kclassify.SqlLedger(kclassify.Database(f"sqlite:///{folder}/ledger.db", create=True))
    async with kclassify.Classifier(TAXONOMY) as classifier:
        runner = kclassify.ReclassifyRunner(
            source=kclassify.JsonlSource(folder / "articles.jsonl"),
            classifier=classifier,
            ledger=ledger,
            writer=kclassify.CallbackWriter(update),
        )
        print(await runner.commit(override="an example"), labels)
    ledger.close()


with ExitStack() as stack:
    if not os.environ.get("ANTHROPIC_API_KEY"):
        stub = stack.enter_context(StubMessagesAPI(Fixed("playbook", 0.9)))
        os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    text = "1. Stop it. 2. Start it again."
    lines = [json.dumps({"id": key, "body": text, "current": None}) for key in labels]
    (folder / "articles.jsonl").write_text("\n".join(lines), encoding="utf-8")
    anyio.run(relabel, folder)
