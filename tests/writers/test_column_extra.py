"""Extra columns: written with the label, restored to the byte."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.core.policy import Change
from kclassify.ports import Receipt, Write, WriteResult
from kclassify.writers import ColumnWriter, ExtraColumns
from tests.tables import insert, rows, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kclassify.database import Database

EXTRA = ExtraColumns(reclassified_from="was", confidence="sure", metadata="meta")
CHANGE = Change(1, "old", "new", 0.85)
WRITE = Write(CHANGE, "w1")
OURS = {"reclassified_from": "old", "reclassified_confidence": 0.85}
RAW = "SELECT category, was, CAST(sure AS TEXT), CAST(meta AS TEXT) FROM articles"

METADATA = [
    None,
    "{}",
    '{"a": 1.10, "b":[1,  2]}',
    '{"n": 1.100000000000000000001, "e": "\\u00e9", "é": null}',
    ' { "reclassified_from" : "older", "x":1, "reclassified_confidence": 0.5 } ',
    "null",
]
KINDS = ["TEXT", "JSON", "JSONB"]


def make(database: Database, meta: str | None, kind: str = "TEXT", sure: str = "REAL") -> None:
    columns = f"category TEXT, was TEXT, sure {sure}, meta {kind}"
    run(database, f"CREATE TABLE articles (id INTEGER PRIMARY KEY, {columns})")
    value = ":meta" if kind == "TEXT" or database.engine.dialect.name == "sqlite" else ""
    given = {"id": 1, "category": "old", "was": "ancient", "sure": 0.1}
    insert(database, [given | ({"meta": meta} if value else {})])
    if not value and meta is not None:
        run(database, f"UPDATE articles SET meta = '{meta}'")


def writer(database: Database, extra: ExtraColumns = EXTRA) -> ColumnWriter:
    return ColumnWriter(database, "articles", key="id", current="category", extra=extra)


def kept(receipts: Sequence[Receipt]) -> Write:
    """The write as the ledger hands it back: its extra values have been through JSON."""
    (receipt,) = receipts
    assert receipt.result is WriteResult.WRITTEN
    return replace(WRITE, extra=json.loads(json.dumps(dict(receipt.extra))))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("meta", METADATA)
def test_a_rollback_restores_every_byte(database: Database, meta: str | None, kind: str) -> None:
    make(database, meta, kind, "DOUBLE PRECISION")
    before = rows(database, RAW)
    write = kept(writer(database).apply([WRITE], None))
    assert rows(database, RAW) != before
    assert writer(database).revert([write], None)[0].result is WriteResult.WRITTEN
    assert rows(database, RAW) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("meta", METADATA)
def test_our_members_are_merged_in(database: Database, meta: str | None, kind: str) -> None:
    make(database, meta, kind)
    writer(database).apply([WRITE], None)
    ((label, was, sure, text),) = rows(database, RAW)
    assert (label, was, float(sure)) == ("new", "old", 0.85)
    assert json.loads(text) == (json.loads(meta or "{}") or {}) | OURS


def test_numbers_of_others_keep_all_their_digits(database: Database) -> None:
    make(database, METADATA[3])
    writer(database).apply([WRITE], None)
    assert "1.100000000000000000001" in rows(database, RAW)[0][3]


@pytest.mark.parametrize("kind", KINDS)
def test_what_others_wrote_since_stays(database: Database, kind: str) -> None:
    make(database, '{"reclassified_from": "older", "x": 1}', kind)
    write = kept(writer(database).apply([WRITE], None))
    now = json.dumps({"x": 2, "y": 3, **OURS})
    run(database, f"UPDATE articles SET meta = '{now}'")
    writer(database).revert([write], None)
    assert json.loads(rows(database, RAW)[0][3]) == {
        "x": 2, "y": 3, "reclassified_from": "older",
    }  # fmt: skip


@pytest.mark.parametrize("meta", ["[1]", "7", '"text"'])
@pytest.mark.parametrize("kind", KINDS)
def test_metadata_that_is_no_object_is_a_conflict(database: Database, meta: str, kind: str) -> None:
    make(database, meta, kind)
    before = rows(database, RAW)
    assert writer(database).apply([WRITE], None) == [Receipt(WriteResult.CONFLICT)]
    assert rows(database, RAW) == before


@pytest.mark.parametrize("meta", ["{broken", "[" * 100_000, '{"a": 1} x'])
def test_metadata_that_is_no_json_is_a_conflict(database: Database, meta: str) -> None:
    make(database, meta)
    assert writer(database).apply([WRITE], None) == [Receipt(WriteResult.CONFLICT)]


@pytest.mark.parametrize("stored", ["x'00ff'", "CAST(x'7b7dff' AS TEXT)"])
@pytest.mark.parametrize("column", ["meta", "was", "sure"])
def test_what_no_audit_could_keep_is_a_conflict(
    sqlite_database: Database, column: str, stored: str
) -> None:
    make(sqlite_database, None, sure="TEXT")
    run(sqlite_database, f"UPDATE articles SET {column} = {stored}")
    assert writer(sqlite_database).apply([WRITE], None) == [Receipt(WriteResult.CONFLICT)]


@pytest.mark.parametrize("sure", ["REAL", "NUMERIC(10, 6)", "TEXT", "DOUBLE PRECISION"])
def test_a_confidence_column_of_any_kind(database: Database, sure: str) -> None:
    make(database, None, sure=sure)
    before = rows(database, RAW)
    chosen = ExtraColumns(confidence="sure")
    write = kept(writer(database, chosen).apply([WRITE], None))
    assert float(rows(database, RAW)[0][2]) == 0.85
    assert rows(database, RAW)[0][1] == "ancient"
    writer(database, chosen).revert([write], None)
    assert rows(database, RAW) == before


@pytest.mark.parametrize("receipt", [True, False])
def test_a_column_that_others_wrote_since_is_left(database: Database, receipt: bool) -> None:
    make(database, '{"x": 1}')
    write = kept(writer(database).apply([WRITE], None)) if receipt else WRITE
    if not receipt:
        writer(database).apply([WRITE], None)
    run(database, "UPDATE articles SET was = 'by hand', sure = 0.125")
    assert writer(database).revert([write], None)[0].result is WriteResult.WRITTEN
    assert rows(database, RAW) == [("old", "by hand", "0.125", '{"x": 1}')]


def test_a_column_that_others_emptied_since_stays_empty(database: Database) -> None:
    make(database, None)
    write = kept(writer(database).apply([WRITE], None))
    run(database, "UPDATE articles SET was = NULL, sure = NULL")
    writer(database).revert([write], None)
    assert rows(database, RAW) == [("old", None, None, None)]


@pytest.mark.parametrize("sure", ["REAL", "NUMERIC(3, 2)", "NUMERIC(10, 6)", "TEXT"])
@pytest.mark.parametrize("confidence", [0.857, 0.855, 0.123456789, 1 / 3, 1e-7, 0.0, 1.0])
def test_a_confidence_that_the_column_rounds_is_still_ours(
    database: Database, sure: str, confidence: float
) -> None:
    make(database, None, sure=sure)
    before = rows(database, RAW)
    chosen = ExtraColumns(confidence="sure")
    given = replace(WRITE, change=replace(CHANGE, confidence=confidence))
    (receipt,) = writer(database, chosen).apply([given], None)
    writer(database, chosen).revert([replace(given, extra=receipt.extra)], None)
    assert rows(database, RAW) == before


@pytest.mark.parametrize("theirs", ["high", "", "NaN", "Infinity", "1e999", "0.9", "0.8501", "1"])
def test_a_confidence_of_others_is_not_taken_for_ours(database: Database, theirs: str) -> None:
    make(database, None, sure="TEXT")
    write = kept(writer(database).apply([WRITE], None))
    run(database, f"UPDATE articles SET sure = '{theirs}'")
    writer(database).revert([write], None)
    assert rows(database, RAW)[0][2] == theirs


def test_what_others_wrote_and_cannot_be_given_back_is_a_conflict(
    sqlite_database: Database,
) -> None:
    make(sqlite_database, None)
    write = kept(writer(sqlite_database).apply([WRITE], None))
    run(sqlite_database, "UPDATE articles SET was = CAST(x'ff' AS TEXT)")
    assert writer(sqlite_database).revert([write], None) == [Receipt(WriteResult.CONFLICT)]
    assert rows(sqlite_database, "SELECT category FROM articles") == [("new",)]


def test_a_rollback_of_a_write_without_a_receipt_clears_ours(database: Database) -> None:
    make(database, '{"x": 1}')
    writer(database).apply([WRITE], None)
    again: list[Any] = list(writer(database).apply([replace(WRITE, redo=True)], None))
    assert again == [Receipt(WriteResult.WRITTEN)]
    writer(database).revert([WRITE], None)
    assert rows(database, RAW) == [("old", None, None, '{"x": 1}')]
