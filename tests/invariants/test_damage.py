"""Each way in which a run can break its word, done to what a good run left behind, is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, Table

from kclassify import Database, Invariant, rollback
from kclassify.ports import Mode
from kclassify.store import SqlLedger

from .worked import Work, check, execute, fill, items, told, work_on, writer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = "(SELECT id FROM kclassify_pass WHERE number = 2 AND run_id = 1)"
DRY_RUN = "(SELECT id FROM kclassify_pass WHERE number = 1 AND run_id = 1)"


def _forged(pass_id: str, key: str, name: str) -> str:
    """A row of the audit that no run wrote."""
    return (
        "INSERT INTO kclassify_change (run_id, pass_id, item_key, before, after, confidence, "
        "status, idempotency_key, extra, recorded_at) "
        f"SELECT 1, {pass_id}, '{key}', 'old', 'left', 0.9, 'written', '{name}', '{{}}', 1.8e9 "
        "FROM articles WHERE id = 4"
    )


DAMAGES: list[tuple[str, Invariant, str, str]] = [
    (
        f"DELETE FROM kclassify_outcome WHERE pass_id = {COMMIT} AND item_key = 'i:4'",
        Invariant.OUTAGE_PAUSES,
        "items behind the cursor have no outcome",
        "pass 2, 4",
    ),
    (
        f"DELETE FROM kclassify_outcome WHERE pass_id = {DRY_RUN} AND item_key = 'i:4'",
        Invariant.OUTAGE_PAUSES,
        "items behind the cursor have no outcome",
        "pass 1, 4",
    ),
    (
        "INSERT INTO articles VALUES (0, 'new', 'old')",
        Invariant.OUTAGE_PAUSES,
        "items behind the cursor have no outcome",
        "pass 2, 0",
    ),
    (
        "INSERT INTO articles VALUES (99, 'new', 'old')",
        Invariant.OUTAGE_PAUSES,
        "items behind the end of a finished pass have no outcome",
        "pass 2, 99",
    ),
    (
        f"UPDATE kclassify_pass SET cursor = 'i:7' WHERE id = {COMMIT}",
        Invariant.OUTAGE_PAUSES,
        "items are settled that lie behind the cursor's row",
        "pass 2, 8",
    ),
    (
        f"UPDATE kclassify_pass SET cursor = 'i:77' WHERE id = {COMMIT}",
        Invariant.OUTAGE_PAUSES,
        "the cursor is not at the last settled item",
        "pass 2: 77 has no outcome",
    ),
    (
        f"UPDATE kclassify_pass SET cursor = NULL WHERE id = {COMMIT}",
        Invariant.OUTAGE_PAUSES,
        "the cursor is not at the last settled item",
        "pass 2: 12 outcomes, cursor unset",
    ),
    (
        f"UPDATE kclassify_pass SET settled = 11 WHERE id = {COMMIT}",
        Invariant.OUTAGE_PAUSES,
        "the number of settled items",
        "pass 2: 11 counted, 12 outcomes",
    ),
    (
        f"UPDATE kclassify_tally SET count = 9 WHERE pass_id = {DRY_RUN} AND kind = 'refused'",
        Invariant.OUTAGE_PAUSES,
        "the tallies of a pass",
        "refused, failed, 'old' to no label: 9 tallied, 1 outcomes",
    ),
    (
        (
            f"UPDATE kclassify_outcome SET kind = 'timed out' WHERE pass_id = {COMMIT} "
            "AND item_key = 'i:4'"
        ),
        Invariant.OUTAGE_PAUSES,
        "given up as unanswered before they were asked 3 times",
        "pass 2, 4: timed out, 1 calls",
    ),
    (
        f"UPDATE kclassify_outcome SET detail = '' WHERE kind = 'refused' AND pass_id = {COMMIT}",
        Invariant.ITEM_FAILURES_PASS_BY,
        "failures are recorded without a reason",
        "pass 2, 4: refused",
    ),
    (
        (
            "UPDATE kclassify_outcome SET action = 'unconfident' WHERE kind = 'refused' "
            f"AND pass_id = {COMMIT}"
        ),
        Invariant.ITEM_FAILURES_PASS_BY,
        "failed items were not left as they were",
        "pass 2, 4: unconfident",
    ),
    (
        _forged(COMMIT, "i:4", "kept:2:i:4"),
        Invariant.ITEM_FAILURES_PASS_BY,
        "rows of failed items were written",
        "pass 2, 4: failed, and written in the audit",
    ),
    (
        f"UPDATE kclassify_outcome SET kind = 'odd' WHERE pass_id = {COMMIT} AND item_key = 'i:4'",
        Invariant.ITEM_FAILURES_PASS_BY,
        "of no known kind",
        "'odd'",
    ),
    (
        "DELETE FROM kclassify_verdict WHERE label = 'right'",
        Invariant.NOTHING_PAID_TWICE,
        "paid outcomes are not among the verdicts",
        "pass 2, 8: judged",
    ),
    (
        "UPDATE kclassify_verdict SET label = 'left' WHERE label = 'right'",
        Invariant.NOTHING_PAID_TWICE,
        "outcomes differ from the verdict of the same text",
        "pass 2, 8: 'right', and the verdict is 'left'",
    ),
    (
        (
            f"UPDATE kclassify_outcome SET confidence = 0.91 WHERE pass_id = {COMMIT} "
            "AND item_key = 'i:1'"
        ),
        Invariant.COMMIT_APPLIES_THE_DRY_RUN,
        "other verdicts than the dry run showed",
        "pass 2, 1: 'left' was shown, 'left' applied",
    ),
    (
        (
            f"UPDATE kclassify_outcome SET recalled = (1 = 0) WHERE pass_id = {COMMIT} "
            "AND item_key = 'i:1'"
        ),
        Invariant.COMMIT_APPLIES_THE_DRY_RUN,
        "asked again for what the dry run had settled",
        "pass 2, 1: judged",
    ),
    (
        (
            f"UPDATE kclassify_outcome SET action = 'change' WHERE pass_id = {COMMIT} "
            "AND item_key = 'i:6'"
        ),
        Invariant.COMPARE_AND_SET,
        "does not follow from their outcomes",
        "pass 2, 6: judged, 'old' to 'left': change",
    ),
    (
        (
            f"UPDATE kclassify_outcome SET action = 'same' WHERE pass_id = {COMMIT} "
            "AND item_key = 'i:6'"
        ),
        Invariant.COMPARE_AND_SET,
        "does not follow from their outcomes",
        "pass 2, 6: judged, 'old' to 'left': same",
    ),
    (
        f"DELETE FROM kclassify_change WHERE item_key = 'i:5' AND pass_id = {COMMIT}",
        Invariant.COMPARE_AND_SET,
        "writes are not in the audit",
        "pass 2, 5: written",
    ),
    (
        (
            f"UPDATE kclassify_change SET before = 'right' WHERE item_key = 'i:5' "
            f"AND pass_id = {COMMIT}"
        ),
        Invariant.COMPARE_AND_SET,
        "writes do not replace the label that was read",
        "pass 2, 5: 'old' was read, 'right' replaced",
    ),
    (
        (
            f"UPDATE kclassify_change SET after = 'right' WHERE item_key = 'i:5' "
            f"AND pass_id = {COMMIT}"
        ),
        Invariant.COMPARE_AND_SET,
        "writes are not what the outcome says",
        "pass 2, 5: 'right' was written, 'left' was meant",
    ),
    (
        (
            f"UPDATE kclassify_change SET status = 'conflict' WHERE item_key = 'i:5' "
            f"AND pass_id = {COMMIT}"
        ),
        Invariant.COMPARE_AND_SET,
        "outcome and audit differ on what became of writes",
        "pass 2, 5: written, and conflict in the audit",
    ),
    (
        (
            f"UPDATE kclassify_change SET status = 'intent' WHERE item_key = 'i:5' "
            f"AND pass_id = {COMMIT}"
        ),
        Invariant.COMPARE_AND_SET,
        "settled writes are still on their way in the audit",
        "pass 2, 5: done",
    ),
    (
        _forged(COMMIT, "i:6", "kept:2:i:6"),
        Invariant.COMPARE_AND_SET,
        "the audit has writes of items that were to be left",
        "pass 2, 6: unconfident, and written in the audit",
    ),
    (
        _forged(COMMIT, "i:1", "again"),
        Invariant.COMPARE_AND_SET,
        "under another name than that of their item and pass",
        "pass 2, 1: written, 'again'",
    ),
    (
        _forged(COMMIT, "i:50", "kept:2:i:50"),
        Invariant.COMPARE_AND_SET,
        "writes have no outcome in their pass",
        "pass 2, 50: written",
    ),
    (
        _forged(DRY_RUN, "i:1", "kept:1:i:1"),
        Invariant.COMPARE_AND_SET,
        "a dry run wrote",
        "pass 1, 1: written",
    ),
    (
        "UPDATE articles SET category = 'right' WHERE id = 3",
        Invariant.COMPARE_AND_SET,
        "rows do not hold the label that was last written",
        "3: 'right' instead of 'left'",
    ),
    (
        "UPDATE articles SET category = 'left' WHERE id = 4",
        Invariant.COMPARE_AND_SET,
        "rows that were not written hold another label than was read",
        "4: 'left' instead of 'old'",
    ),
    (
        "UPDATE kclassify_pass SET status = 'open', mode = 'commit'",
        Invariant.ONE_WORKER,
        "passes of a commit can be gone on with",
        "",
    ),
    (
        f"UPDATE kclassify_pass SET version = 1 WHERE id = {COMMIT}",
        Invariant.ONE_WORKER,
        "the fence of a pass did not count up",
        "pass 2: version 1",
    ),
    (
        "UPDATE kclassify_pass SET override = NULL",
        Invariant.FAIL_CLOSED,
        "a pass wrote with neither a gate record nor an override",
        "pass 2, 1: written",
    ),
    (
        (
            f"UPDATE kclassify_outcome SET label = 'gone' WHERE pass_id = {COMMIT} "
            "AND item_key = 'i:1'"
        ),
        Invariant.NO_LABEL_INVENTED,
        "outcomes have labels that are no active category",
        "pass 2, 1: 'gone'",
    ),
    (
        (
            f"UPDATE kclassify_outcome SET label = 'left' WHERE pass_id = {COMMIT} "
            "AND item_key = 'i:4'"
        ),
        Invariant.NO_LABEL_INVENTED,
        "only a judged item has a label",
        "pass 2, 4: refused, 'left'",
    ),
    (
        f"UPDATE kclassify_change SET after = 'old' WHERE item_key = 'i:5' AND pass_id = {COMMIT}",
        Invariant.NO_LABEL_INVENTED,
        "labels were written that are no active category",
        "pass 2, 5: 'old'",
    ),
    (
        "UPDATE kclassify_verdict SET label = 'gone' WHERE label = 'right'",
        Invariant.NO_LABEL_INVENTED,
        "verdicts have labels that are no active category",
        "'gone', 1 verdicts",
    ),
    (
        "UPDATE articles SET body = 'text of row 8' WHERE id = 3",
        Invariant.NO_LABEL_INVENTED,
        "outcomes are of another text than their rows have",
        "pass 2, 3",
    ),
    (
        "UPDATE kclassify_change SET status = 'conflict' WHERE run_id = 1 AND item_key = 'i:5'",
        Invariant.COMPARE_AND_SET,
        "rows that were left to another program hold the label that was not to be written",
        "pass 2, 5: 'left'",
    ),
    (
        "UPDATE kclassify_change SET confidence = 0.2 WHERE run_id = 1 AND item_key = 'i:5'",
        Invariant.COMPARE_AND_SET,
        "writes are not what the outcome says",
        "pass 2, 5: 'left' at 0.2 instead of 0.9",
    ),
    (
        f"UPDATE kclassify_pass SET override = '   ', gate = NULL WHERE id = {COMMIT}",
        Invariant.FAIL_CLOSED,
        "a pass wrote with neither a gate record nor an override",
        "pass 2, 1: written",
    ),
]

Rows = list[tuple[Table, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def worked(module_url: str) -> Iterator[tuple[Work, Rows]]:
    """A commit after a dry run on `articles`, one on `notes` that was rolled back; all rows."""
    database = Database(module_url, create=True)
    for table in ("articles", "notes"):
        fill(database, table, items())
    work = work_on(database, "articles")
    work.run(Mode.DRY_RUN, Mode.COMMIT)
    undone = work_on(database, "notes", "undone")
    undone.run(Mode.COMMIT)
    rollback(SqlLedger(database), writer_of(database, "notes"), "undone")
    yield work, _all_rows(database)
    database.close()


def _all_rows(database: Database) -> Rows:
    metadata = MetaData()
    metadata.reflect(database.engine)
    with database.connect() as connection:
        return [
            (table, [dict(row) for row in connection.execute(table.select()).mappings()])
            for table in metadata.sorted_tables
        ]


@pytest.fixture
def kept(worked: tuple[Work, Rows]) -> Iterator[Work]:
    """The same, put back after the test."""
    work, before = worked
    yield work
    with database_of(work).begin() as connection:
        for table, _ in reversed(before):
            connection.execute(table.delete())
        for table, rows in before:
            if rows:
                connection.execute(table.insert(), rows)


def database_of(work: Work) -> Database:
    assert isinstance(work.ledger, SqlLedger)
    return work.ledger.database


@pytest.mark.parametrize(
    ("statement", "invariant", "message", "evidence"),
    DAMAGES,
    ids=[f"{number}-{row[2][:40]}" for number, row in enumerate(DAMAGES)],
)
def test_what_was_done_to_it_is_found(
    kept: Work, statement: str, invariant: Invariant, message: str, evidence: str
) -> None:
    execute(database_of(kept), statement)
    found = check(kept)
    assert not found.is_clean
    named = [each for each in found.findings if each.invariant is invariant]
    shown = [line for each in named if message in each.message for line in each.evidence or ("",)]
    assert any(evidence in line for line in shown), told(found)


def test_writes_of_a_pass_that_is_gone_are_found(kept: Work) -> None:
    database = database_of(kept)
    if database.engine.dialect.name == "postgresql":
        pytest.skip("its foreign keys do not let a pass go")
    with closing(sqlite3.connect(str(database.engine.url.database))) as careless:
        careless.execute("DELETE FROM kclassify_pass")
        careless.commit()
    found = check(kept)
    named = [(each.invariant, each.message, each.count) for each in found.findings]
    message = "the audit has writes of a pass that is not there"
    assert (Invariant.COMPARE_AND_SET, message, 7) in named


def test_rows_behind_the_end_of_a_finished_pass_are_counted(kept: Work) -> None:
    execute(database_of(kept), "INSERT INTO articles VALUES (99, 'new', 'old')")
    assert (check(kept).behind_the_end, check(kept).lost) == (1, 1)


def test_nothing_is_found_where_nothing_was_done(kept: Work) -> None:
    found = check(kept)
    assert (told(found), found.remarks, found.unchecked) == ([], (), ())
    assert (found.items, found.lost, found.written, found.written_twice) == (12, 0, 7, 0)
    assert (found.calls, found.paid_twice) == (11, 0)
    assert found.checked == frozenset(Invariant)


def test_a_row_that_was_not_put_back_is_found(kept: Work) -> None:
    execute(database_of(kept), "UPDATE notes SET category = 'left' WHERE id = 3")
    undone = work_on(database_of(kept), "notes", "undone")
    (found,) = check(undone).findings
    assert (found.invariant, found.evidence) == (
        Invariant.ROLLBACK,
        ("3: 'left' instead of 'old'",),
    )
