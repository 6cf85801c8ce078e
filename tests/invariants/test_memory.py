"""The same damage to the same run, in memory and on a database, is the same finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kclassify import Database, Invariant, Verification
from kclassify.core.policy import Action, Change
from kclassify.core.states import ChangeStatus
from kclassify.ports import Mode
from kclassify.store.settlement import Audited
from kclassify.testing.memory_facts import verify_memory
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_run import MemoryPass, MemoryRun
from kclassify.testing.memory_table import MemoryTable
from tests.small import TAXONOMY

from .worked import Work, check, execute, fill, items, told, work_on

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def memory() -> Work:
    table = MemoryTable(items(), "memory")
    work = Work(table, table, MemoryLedger())
    work.run(Mode.DRY_RUN, Mode.COMMIT)
    return work


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'articles.db'}", create=True)
    fill(opened, "articles", items())
    yield opened
    opened.close()


@pytest.fixture
def sql(database: Database) -> Work:
    work = work_on(database, "articles")
    work.run(Mode.DRY_RUN, Mode.COMMIT)
    return work


def check_memory(work: Work) -> Verification:
    assert isinstance(work.ledger, MemoryLedger)
    assert isinstance(work.source, MemoryTable)
    return verify_memory(work.ledger, "kept", work.source, taxonomy=TAXONOMY, calls=work.calls)


def run_of(work: Work) -> MemoryRun:
    assert isinstance(work.ledger, MemoryLedger)
    return work.ledger.runs["kept"]


def commit_of(work: Work) -> MemoryPass:
    return run_of(work).passes[1]


def lose_an_outcome(work: Work) -> None:
    del commit_of(work).outcomes["i:4"]


def move_the_cursor(work: Work) -> None:
    commit_of(work).opened = replace(commit_of(work).opened, cursor=7)


def miscount(work: Work) -> None:
    commit_of(work).opened = replace(commit_of(work).opened, settled=11)


def forget_a_verdict(work: Work) -> None:
    assert isinstance(work.ledger, MemoryLedger)
    gone = [key for key, said in work.ledger.verdicts.items() if _is_right(said)]
    del work.ledger.verdicts[gone[0]]


def _is_right(said: object) -> bool:
    verdict = getattr(said, "verdict", None)
    return verdict is not None and verdict.label == "right"


def forget_a_write(work: Work) -> None:
    assert isinstance(work.source, MemoryTable)
    del run_of(work).audit["kept:2:i:5"]
    del work.source.written[5]


def forge_a_write(work: Work) -> None:
    change = Change(6, "old", "left", 0.9)
    run_of(work).audit["kept:2:i:6"] = Audited(change, ChangeStatus.WRITTEN)


def leave_a_change_unwritten(work: Work) -> None:
    outcomes = commit_of(work).outcomes
    outcomes["i:6"] = replace(outcomes["i:6"], action=Action.CHANGE)


def doubt_a_write(work: Work) -> None:
    audit = run_of(work).audit
    known = audit["kept:2:i:5"]
    audit["kept:2:i:5"] = replace(known, change=replace(known.change, confidence=0.2))


def relabel(work: Work) -> None:
    assert isinstance(work.source, MemoryTable)
    work.source.labels[3] = "right"


def drop_the_reason(work: Work) -> None:
    row = commit_of(work)
    row.request = replace(row.request, override=None)


DAMAGES: list[tuple[Callable[[Work], None], str]] = [
    (lose_an_outcome, "DELETE FROM kclassify_outcome WHERE item_key = 'i:4' AND pass_id = 2"),
    (move_the_cursor, "UPDATE kclassify_pass SET cursor = 'i:7' WHERE id = 2"),
    (miscount, "UPDATE kclassify_pass SET settled = 11 WHERE id = 2"),
    (forget_a_verdict, "DELETE FROM kclassify_verdict WHERE label = 'right'"),
    (forget_a_write, "DELETE FROM kclassify_change WHERE item_key = 'i:5'"),
    (
        forge_a_write,
        (
            "INSERT INTO kclassify_change (run_id, pass_id, item_key, before, after, confidence, "
            "status, idempotency_key, extra, recorded_at) VALUES "
            "(1, 2, 'i:6', 'old', 'left', 0.9, 'written', 'kept:2:i:6', '{}', 1.8e9)"
        ),
    ),
    (
        leave_a_change_unwritten,
        "UPDATE kclassify_outcome SET action = 'change' WHERE item_key = 'i:6' AND pass_id = 2",
    ),
    (doubt_a_write, "UPDATE kclassify_change SET confidence = 0.2 WHERE item_key = 'i:5'"),
    (relabel, "UPDATE articles SET category = 'right' WHERE id = 3"),
    (drop_the_reason, "UPDATE kclassify_pass SET override = NULL"),
]


@pytest.mark.parametrize(("harm", "statement"), DAMAGES, ids=[row[0].__name__ for row in DAMAGES])
def test_the_same_damage_is_the_same_finding(
    memory: Work, sql: Work, database: Database, harm: Callable[[Work], None], statement: str
) -> None:
    harm(memory)
    execute(database, statement)
    in_memory, on_disk = check_memory(memory), check(sql)
    assert told(in_memory) == told(on_disk) != []
    assert replace(in_memory, findings=()) == replace(on_disk, findings=())


def test_a_good_run_is_the_same_on_both(memory: Work, sql: Work) -> None:
    assert check_memory(memory) == check(sql)
    assert check_memory(memory).is_clean


def test_a_row_that_was_really_written_twice_is_found(memory: Work) -> None:
    """What an audit that tells nothing of it cannot show."""
    assert isinstance(memory.source, MemoryTable)
    memory.source.written[3] = 2
    found = check_memory(memory)
    (finding,) = found.findings
    assert (finding.invariant, found.written_twice) == (Invariant.COMPARE_AND_SET, 1)
    assert finding.evidence == ("3: 2 times, 1 in the audit",)


def test_two_passes_that_are_open_at_once_are_found(memory: Work) -> None:
    for row in run_of(memory).passes:
        row.status = type(row.status).OPEN
        row.opened = replace(row.opened, mode=Mode.COMMIT)
    found = check_memory(memory)
    assert any(each.invariant is Invariant.ONE_WORKER for each in found.findings)
