"""The whole loop over 1,827 real articles: dry run, commit, commit again, roll back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kclassify import (
    Category,
    Classifier,
    ColumnWriter,
    Database,
    Done,
    LocalClassifier,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    Taxonomy,
)
from kclassify.events import CallEnded, Checkpointed, Event
from kclassify.store import rollback
from kclassify.testing import ByDigest, Fixed, StubMessagesAPI, body_digest
from tests.tables import database, insert, postgres_database, run, sqlite_database

if TYPE_CHECKING:
    from kclassify.ports import Classifier as ClassifierPort

__all__ = ["database", "postgres_database", "sqlite_database"]

LABELS = (
    *("convention", "decision", "entity", "finding", "idea", "insight"),
    *("pattern", "playbook", "question", "quote", "reference"),
)
TAXONOMY = Taxonomy[str](
    "knowledge", tuple(Category(name=label, definition=f"a {label}") for label in LABELS)
)


@dataclass
class Told:
    """Counts what a run tells."""

    calls: int = 0
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    actions: dict[str, int] = field(default_factory=dict[str, int])

    def __call__(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self.calls += 1
        elif isinstance(event, Checkpointed):
            for counts, into in ((event.kinds, self.kinds), (event.actions, self.actions)):
                for name, count in counts.items():
                    into[name] = into.get(name, 0) + count


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One is enough here: both are covered where a run is taken apart."""
    return "asyncio"


@pytest.fixture
def articles(shared_data: Path) -> list[dict[str, Any]]:
    lines = (shared_data / "knowledge-dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def load(database: Database, articles: list[dict[str, Any]]) -> None:
    run(
        database,
        "CREATE TABLE articles "
        "(id VARCHAR(40) PRIMARY KEY, title TEXT, body TEXT NOT NULL, category VARCHAR(20))",
    )
    rows = [
        {k: a[k] for k in ("id", "title", "body")} | {"category": a["current"]} for a in articles
    ]
    insert(database, rows)


def digest(database: Database) -> str:
    sha = hashlib.sha256()
    with database.connect() as connection:
        for row in connection.exec_driver_sql("SELECT * FROM articles ORDER BY id"):
            sha.update(repr(tuple(row)).encode())
    return sha.hexdigest()


def labels(database: Database) -> dict[str, str]:
    with database.connect() as connection:
        return {r[0]: r[1] for r in connection.exec_driver_sql("SELECT id, category FROM articles")}


async def whole_loop(database: Database, classifier: ClassifierPort[str]) -> dict[str, Any]:
    writer = ColumnWriter(database, "articles", key="id", current="category")
    ledger = SqlLedger(database)

    async def go(*, commit: bool) -> Told:
        told = Told()
        runner = ReclassifyRunner(
            source=SqlSource(
                database, "articles", key="id", title="title", body="body", current="category"
            ),
            classifier=classifier,
            ledger=ledger,
            writer=writer,
            name="acceptance",
            settings=RunnerSettings(max_concurrency=50),
            listeners=[told],
        )
        ended = await (runner.commit(override="acceptance") if commit else runner.dry_run())
        assert ended == Done()
        return told

    before = digest(database)
    dry = await go(commit=False)
    assert digest(database) == before
    first = await go(commit=True)
    after = labels(database)
    second = await go(commit=True)
    report = rollback(ledger, writer, "acceptance")
    assert digest(database) == before
    assert (first.calls, second.calls) == (0, 0)
    assert "written" not in second.actions
    assert report.conflicts == 0
    assert report.reverted == first.actions["written"] == dry.actions["change"]
    return {"labels": after, "dry": dry, "written": first.actions["written"]}


def accuracy(found: dict[str, str], articles: list[dict[str, Any]]) -> float:
    right = [bool(found[a["id"]] == a["label"]) for a in articles]
    return right.count(True) / len(articles)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_embedded_classifier_trained_on_a_part(
    database: Database, articles: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    train, rest = articles[::2], articles[1::2]
    classifier = LocalClassifier.fit(
        TAXONOMY, [(f"{a['title']}\n{a['body']}", a["label"]) for a in train]
    )
    load(database, rest)
    report = await whole_loop(database, classifier)
    stale = accuracy({a["id"]: a["current"] for a in rest}, rest)
    relabelled = accuracy(report["labels"], rest)
    with capsys.disabled():
        print(
            f"\n{database.engine.dialect.name}, embedded: {len(rest)} rows, "
            f"{report['written']} written, right before {stale:.3f}, after {relabelled:.3f}"
        )
    assert relabelled > stale + 0.05


@pytest.mark.nightly
@pytest.mark.timeout(600)
async def test_the_real_client_against_the_stub(
    database: Database, articles: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    gold = {body_digest(a["body"]): a["label"] for a in articles}
    load(database, articles)
    with StubMessagesAPI(ByDigest(gold, otherwise=Fixed("idea", 0.1)), keep=0) as stub:
        async with Classifier(TAXONOMY, base_url=stub.url, api_key="stub") as classifier:
            report = await whole_loop(database, classifier)
        answered = stub.answered
    with capsys.disabled():
        print(
            f"\n{database.engine.dialect.name}, stub: {len(articles)} rows, {answered} calls, "
            f"{report['written']} written, right after {accuracy(report['labels'], articles):.3f}"
        )
    assert answered == report["dry"].calls <= len(articles)
    assert accuracy(report["labels"], articles) > 0.99
