"""Runs that keep their word in every way there is: the check has nothing to say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from kclassify import (
    Advance,
    CallbackWriter,
    Category,
    Database,
    Done,
    Invariant,
    Item,
    JsonlSource,
    JsonlWriter,
    Outcome,
    OutcomeKind,
    SqlLedger,
    Taxonomy,
    Write,
    rollback,
    verify,
)
from kclassify.core.call_seen import CallSeen
from kclassify.ports import Mode, Receipt, Writer, WriteResult
from kclassify.store import forget_failures
from kclassify.store.tables import ledger_metadata
from kclassify.testing.scripted import Answer, ScriptedClassifier
from tests.small import TAXONOMY

from .worked import (
    LABELS,
    REFUSES,
    ROWS,
    Work,
    check,
    execute,
    fill,
    items,
    source_of,
    told,
    work_on,
    writer_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection


@pytest.fixture(scope="module")
def opened(module_url: str) -> Iterator[Database]:
    database = Database(module_url, create=True)
    yield database
    database.close()


@pytest.fixture
def database(opened: Database) -> Iterator[Database]:
    """With a table of articles, emptied after the test."""
    fill(opened, "articles", items())
    yield opened
    with opened.begin() as connection:
        for table in reversed(ledger_metadata.sorted_tables):
            if table.name != "kclassify_schema" and connection.dialect.has_table(
                connection, table.name
            ):
                connection.execute(table.delete())
        connection.exec_driver_sql("DROP TABLE articles")


@pytest.fixture
def work(database: Database) -> Work:
    return work_on(database, "articles")


def clean(work: Work, *, remarks: int = 0, alone: bool = True) -> None:
    found = check(work, alone=alone)
    assert told(found) == []
    assert len(found.remarks) == remarks, found.remarks
    assert (found.lost, found.written_twice, found.paid_twice) == (0, 0, 0)


def test_a_dry_run(work: Work) -> None:
    work.run(Mode.DRY_RUN)
    clean(work)


def test_a_commit_without_a_dry_run_and_a_second_pass(work: Work) -> None:
    work.run(Mode.COMMIT, Mode.COMMIT)
    clean(work)


def test_a_dry_run_after_a_commit(work: Work) -> None:
    work.run(Mode.DRY_RUN, Mode.COMMIT, Mode.DRY_RUN)
    clean(work)


def test_a_pass_in_steps_checked_after_each(work: Work) -> None:
    async def step() -> object:
        return await work.runner(max_items=5).step(budget_s=1000)

    decisions: list[object] = []
    while not decisions or isinstance(decisions[-1], Advance):
        decisions.append(anyio.run(step))
        clean(work)
    assert decisions[-1] == Done()


def test_a_commit_that_is_under_way(work: Work) -> None:
    async def some() -> object:
        return await work.runner(max_items=5).commit(override="some")

    work.run(Mode.DRY_RUN)
    assert isinstance(anyio.run(some), Advance)
    clean(work)


def test_a_rollback_and_a_commit_after_it(work: Work, database: Database) -> None:
    work.run(Mode.COMMIT)
    rollback(SqlLedger(database), writer_of(database, "articles"), "kept")
    clean(work)
    work.run(Mode.COMMIT)
    clean(work)
    rollback(SqlLedger(database), writer_of(database, "articles"), "kept")
    clean(work)


def test_a_rollback_of_two_classifiers_after_each_other(work: Work, database: Database) -> None:
    work.run(Mode.COMMIT)
    other = work_on(database, "articles")
    other.classifier = other.scripted = ScriptedClassifier(TAXONOMY, lambda _: "right", version="2")
    other.run(Mode.COMMIT)
    calls = [*work.calls, *other.calls]
    database_now = database, "kept"
    source = source_of(database, "articles")
    found = verify(*database_now, source=source, taxonomy=TAXONOMY, calls=calls, alone=True)
    assert told(found) == []
    rollback(SqlLedger(database), writer_of(database, "articles"), "kept")
    found = verify(*database_now, source=source, taxonomy=TAXONOMY, calls=calls, alone=True)
    assert told(found) == []


def test_failures_that_are_asked_again(work: Work, database: Database) -> None:
    work.run(Mode.DRY_RUN)
    assert forget_failures(database, "kept", [OutcomeKind.REFUSED]) == 1
    work.run(Mode.DRY_RUN)
    assert [item.key for item in work.scripted.asked].count(REFUSES) == 2
    clean(work)


def test_failures_that_are_asked_again_by_a_worker_that_is_stopped(
    work: Work, database: Database
) -> None:
    """Nothing is settled behind the first item, which waits; what was answered is recalled."""
    refused: Outcome[str] = Outcome(OutcomeKind.REFUSED, detail="made to refuse")
    waits: Outcome[str] = Outcome(OutcomeKind.UNAVAILABLE, detail="wait", retry_after_s=20.0)
    answers: list[Outcome[str]] = [refused] * ROWS
    work.classifier = work.scripted = ScriptedClassifier(
        TAXONOMY, lambda item: answers.pop() if answers else _of_a_retry(item)
    )
    work.run(Mode.DRY_RUN)
    assert forget_failures(database, "kept", mode=Mode.DRY_RUN)
    runner = work.runner(max_concurrency=2)

    def answer(item: Item) -> Answer:
        if item.key == ROWS:
            runner.stop("a deployment")
        return waits if item.key == 1 else _of_a_retry(item)

    answered = list(work.scripted.asked)
    work.classifier = runner.classifier = work.scripted = ScriptedClassifier(TAXONOMY, answer)
    assert isinstance(anyio.run(runner.dry_run), Advance)
    answered += [item for item in work.scripted.asked if item.key != 1]
    assert clean_of(work, answered) <= 1  # the one that was refused again is not settled yet
    work.classifier = work.scripted = ScriptedClassifier(TAXONOMY, _of_a_retry)
    work.run(Mode.DRY_RUN)
    assert [item.key for item in work.scripted.asked] == [1]
    assert clean_of(work, [*answered, *work.scripted.asked]) == 0


def _of_a_retry(item: Item) -> Answer:
    return Outcome(OutcomeKind.REFUSED, detail="again") if item.key == REFUSES else "left"


def clean_of(work: Work, asked: Sequence[Item]) -> int:
    calls = [CallSeen(item.digest, labels=LABELS) for item in asked]
    assert isinstance(work.ledger, SqlLedger)
    found = verify(work.ledger.database, "kept", source=work.source, calls=calls, alone=True)
    assert told(found) == []
    return found.paid_twice or 0


def test_rows_of_others(work: Work, database: Database) -> None:
    """Relabelled, added and deleted meanwhile: remarks, no findings."""
    work.run(Mode.DRY_RUN)
    execute(database, "UPDATE articles SET category = 'right' WHERE id = 1")
    execute(database, "DELETE FROM articles WHERE id = 12")
    execute(database, "INSERT INTO articles VALUES (50, 'more', 'old')")
    clean(work, alone=False, remarks=2)
    work.run(Mode.COMMIT)
    execute(database, "UPDATE articles SET category = 'right' WHERE id = 3")
    clean(work, alone=False, remarks=1)
    rollback(SqlLedger(database), writer_of(database, "articles"), "kept")
    clean(work, alone=False)


class Rival:
    """A writer before whom another program relabels the row of article 3."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database, self._writer = database, writer
        self.database = writer.database

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        assert connection is not None
        connection.exec_driver_sql("UPDATE articles SET category = 'right' WHERE id = 3")
        return self._writer.apply(writes, connection)

    def check(self, labels: Collection[str] = ()) -> None:
        self._writer.check(labels)

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        return self._writer.revert(writes, connection)

    def finish(self) -> None:
        self._writer.finish()

    def close(self) -> None:
        self._writer.close()


def test_a_conflict(work: Work, database: Database) -> None:
    work.writer = Rival(database, work.writer)
    work.run(Mode.COMMIT)
    clean(work)


def test_separate_databases(database: Database, tmp_path: Path) -> None:
    other = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}")
    source, writer = source_of(database, "articles"), writer_of(database, "articles")
    work = Work(source, writer, other)
    work.run(Mode.DRY_RUN, Mode.COMMIT)
    clean(work)
    rollback(other, writer, "kept")
    clean(work)
    other.close()


def test_another_table_under_the_same_name(work: Work, database: Database) -> None:
    work.run(Mode.COMMIT)
    fill(database, "others", items()[:5])
    other = work_on(database, "others")
    other.scripted = other.classifier = work.scripted
    other.run(Mode.COMMIT)
    clean(other)
    execute(database, "DROP TABLE others")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text(
        "".join(f'{{"id": {n}, "body": "text {n}", "category": "old"}}\n' for n in range(1, 9))
    )
    source = JsonlSource(path, key="id", body="body", current="category")
    writer = JsonlWriter(path, tmp_path / "new.jsonl", key="id", current="category")
    ledger = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}")
    work = Work(writer.relabelled(source), writer, ledger)
    work.run(Mode.DRY_RUN, Mode.COMMIT)
    clean(work)
    writer.close()
    ledger.close()


def test_a_function_that_writes_elsewhere(database: Database) -> None:
    """The table shows nothing of it: that is a remark, and no more."""
    work = Work(source_of(database, "articles"), CallbackWriter(_written), SqlLedger(database))
    work.run(Mode.COMMIT)
    clean(work, alone=False, remarks=1)


def _written(write: Write) -> WriteResult:
    del write
    return WriteResult.WRITTEN


def test_texts_that_are_alike_cost_one_call(database: Database) -> None:
    execute(database, "UPDATE articles SET body = 'the same' WHERE id > 6")
    work = work_on(database, "articles")
    work.classifier = work.scripted = ScriptedClassifier(TAXONOMY, lambda _: "left")
    work.run(Mode.DRY_RUN, Mode.COMMIT)
    clean(work)
    assert len(work.calls) == 7


def test_a_body_that_changes_between_dry_run_and_commit(work: Work, database: Database) -> None:
    work.run(Mode.DRY_RUN)
    execute(database, "UPDATE articles SET body = 'another text' WHERE id = 1")
    work.run(Mode.COMMIT)
    clean(work)


def test_another_taxonomy_of_an_earlier_pass(work: Work, database: Database) -> None:
    work.run(Mode.DRY_RUN, Mode.COMMIT)
    up, left = Category(name="up", definition="goes up"), Category(name="left", retired=True)
    later = Taxonomy[str]("later", (*TAXONOMY.categories[1:], up, left))
    other = work_on(database, "articles")
    other.classifier = other.scripted = ScriptedClassifier(later, lambda _: "up")
    other.run(Mode.COMMIT)
    labels = tuple(later.labels)
    calls = [*work.calls, *(replace(call, labels=labels) for call in other.calls)]
    found = verify(database, "kept", source=work.source, taxonomy=later, calls=calls, alone=True)
    assert told(found) == []
    assert found.unchecked == (
        f"the labels that {len(work.calls)} calls allowed: an earlier taxonomy may be theirs",
    )
    calls.append(replace(calls[-1], labels=("up", "down"), answered=False))
    found = verify(database, "kept", source=work.source, taxonomy=later, calls=calls)
    assert [one.invariant for one in found.findings] == [Invariant.NO_LABEL_INVENTED]


def test_a_run_by_itself_says_what_was_not_looked_at(work: Work, database: Database) -> None:
    work.run(Mode.COMMIT)
    found = verify(database, "kept")
    assert told(found) == []
    subjects = [line.partition(":")[0] for line in found.unchecked]
    assert subjects == ["the table", "the calls", "the labels"]
    assert (found.items, found.calls, found.paid_twice) == (12, None, None)


def test_a_worker_that_is_at_work(work: Work, database: Database) -> None:
    work.run(Mode.COMMIT)
    hold = "UPDATE kclassify_run SET lease_holder = 'elsewhere', lease_expires_at = "
    execute(database, f"{hold} 9e9")
    found = check(work)
    assert told(found) == []
    assert [line.partition(":")[0] for line in found.unchecked] == ["the labels in the table"]
    assert Invariant.ROLLBACK not in found.checked
    execute(database, f"{hold} 1.0")
    clean(work, remarks=1)


def test_a_lease_of_the_dead_is_a_remark(work: Work, database: Database) -> None:
    work.run(Mode.COMMIT)
    execute(database, "UPDATE kclassify_run SET lease_holder = 'ghost', lease_expires_at = 9e9")
    found = verify(database, "kept", is_alive=lambda holder: holder != "ghost")
    assert told(found) == []
    (remark,) = found.remarks
    assert remark.evidence == ("'ghost'",)
