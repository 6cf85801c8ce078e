"""A table with every kind of item, worked over by real runs: a dry run and a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio
import sqlalchemy
from sqlalchemy import Column, Integer, MetaData, Table, Text

from kclassify import (
    ColumnWriter,
    Database,
    Done,
    Item,
    Outcome,
    OutcomeKind,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    Verdict,
    Verification,
    verify,
)
from kclassify.core.call_seen import CallSeen
from kclassify.core.verdict import judged
from kclassify.ports import Classifier, Ledger, Mode, Source, Writer
from kclassify.testing.scripted import Answer, ScriptedClassifier
from kclassify.testing.virtual_clock import VirtualClock
from tests.small import TAXONOMY

LABELS = ("left", "right")
ABSTAINS, REFUSES, DOUBTS, STAYS, EMPTY = 2, 4, 6, 8, 10
ROWS = 12


def script(item: Item) -> Answer:
    """By key: most go left; one is not sure, one is refused, one fits nowhere, one stays."""
    if item.key == ABSTAINS:
        return Outcome(OutcomeKind.ABSTAINED, detail="none fits")
    if item.key == REFUSES:
        return Outcome(OutcomeKind.REFUSED, detail="made to refuse")
    confidence = 0.3 if item.key == DOUBTS else 0.9
    return judged(Verdict("right" if item.key == STAYS else "left", confidence, "scripted"))


def items() -> list[Item]:
    return [
        Item(
            key=key,
            body="" if key == EMPTY else f"text of row {key}",
            current="right" if key == STAYS else "old",
        )
        for key in range(1, ROWS + 1)
    ]


def articles(name: str) -> Table:
    columns = Column("body", Text), Column("category", Text)
    return Table(name, MetaData(), Column("id", Integer, primary_key=True), *columns)


def fill(database: Database, table: str, given: Sequence[Item]) -> None:
    made = articles(table)
    made.metadata.create_all(database.engine)
    rows = [{"id": i.key, "body": i.body, "category": i.current} for i in given]
    with database.begin() as connection:
        connection.execute(made.insert(), rows)


def source_of(database: Database, table: str) -> SqlSource:
    return SqlSource(database, table, key="id", body="body", current="category")


def writer_of(database: Database, table: str) -> ColumnWriter:
    return ColumnWriter(database, table, key="id", current="category")


@dataclass
class Work:
    """A run by name, on a source, into a writer, kept in a ledger."""

    source: Source
    writer: Writer
    ledger: Ledger
    name: str = "kept"

    def __post_init__(self) -> None:
        self.scripted = ScriptedClassifier(TAXONOMY, script)
        self.classifier: Classifier[str] = self.scripted

    def runner(self, **settings: object) -> ReclassifyRunner:
        return ReclassifyRunner(
            source=self.source,
            classifier=self.classifier,
            ledger=self.ledger,
            writer=self.writer,
            name=self.name,
            settings=RunnerSettings(max_concurrency=1).model_copy(update=settings),
            clock=VirtualClock(),
        )

    def run(self, *modes: Mode) -> None:
        for mode in modes:
            runner = self.runner()
            done = anyio.run(runner.dry_run) if mode is Mode.DRY_RUN else self._commit(runner)
            assert done == Done()

    def _commit(self, runner: ReclassifyRunner) -> object:
        async def commit() -> object:
            return await runner.commit(override="a test")

        return anyio.run(commit)

    @property
    def calls(self) -> list[CallSeen]:
        return [CallSeen(item.digest, labels=LABELS) for item in self.scripted.asked]


def work_on(database: Database, table: str, name: str = "kept") -> Work:
    source, writer = source_of(database, table), writer_of(database, table)
    return Work(source, writer, SqlLedger(database), name)


def told(found: Verification) -> list[str]:
    return [f"{one.invariant}: {one.message} {one.evidence}" for one in found.findings]


def check(work: Work, *, alone: bool = True) -> Verification:
    assert isinstance(work.ledger, SqlLedger)
    return verify(
        work.ledger.database,
        work.name,
        source=work.source,
        taxonomy=TAXONOMY,
        calls=work.calls,
        alone=alone,
    )


def execute(database: Database, statement: str, **given: object) -> None:
    with database.begin() as connection:
        done = connection.execute(sqlalchemy.text(statement), given)
        assert done.rowcount != 0, statement
