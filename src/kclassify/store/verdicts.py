"""What a classifier said, by item digest and fingerprint: paid once, recalled ever after."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict
from kclassify.row_sets import among_given, given_values, is_sqlite
from kclassify.store.insert import insert_new, insert_rows
from kclassify.store.tables import verdicts
from kclassify.store.text import storable

CHUNK = 500
"""Values in one parameter."""
_OF, _AMONG = "of_classifier", "among_digests"
_KINDS = {kind.value: kind for kind in OutcomeKind}


def in_chunks(values: Collection[str]) -> Iterator[list[str]]:
    """The distinct values, in order, `CHUNK` at a time."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


def recall(
    connection: Connection, digests: Collection[str], fingerprint: str
) -> dict[str, Outcome[str]]:
    """The recorded outcomes by item digest, marked as recalled."""
    return {row[0]: _outcome(row) for row in _said(connection, _SAID, digests, fingerprint)}


def _said(
    connection: Connection,
    columns: Select[*tuple[Any, ...]],
    digests: Collection[str],
    fingerprint: str,
) -> Iterator[Row[*tuple[Any, ...]]]:
    on_sqlite = is_sqlite(connection)
    query = _recalling(columns, on_sqlite=on_sqlite)
    for chunk in in_chunks(digests):
        given = {_OF: fingerprint, _AMONG: given_values(chunk, on_sqlite=on_sqlite)}
        yield from connection.execute(query, given).all()


@cache
def _recalling(columns: Select[*tuple[Any, ...]], *, on_sqlite: bool) -> Select[*tuple[Any, ...]]:
    is_ours = verdicts.c.fingerprint == bindparam(_OF)
    return columns.where(is_ours, among_given(verdicts.c.item_digest, _AMONG, on_sqlite=on_sqlite))


def record(
    connection: Connection,
    fingerprint: str,
    outcomes: Sequence[tuple[str, Outcome[str]]],
    now: float,
) -> dict[str, Outcome[str]]:
    """Store outcomes by item digest; one that is there already stays.

    Returns those that count instead of the ones given, marked as recalled: they were there before,
    or came first among different ones of one digest.
    """
    first = first_of_each(outcomes)
    inserted = add_new(connection, fingerprint, outcomes, now)
    late = {
        digest for digest, outcome in outcomes if digest not in inserted or outcome != first[digest]
    }
    return recall(connection, late, fingerprint)


def add_new(
    connection: Connection,
    fingerprint: str,
    outcomes: Sequence[tuple[str, Outcome[str]]],
    now: float,
) -> set[str]:
    """Store the first outcome of each item digest that has none; those digests."""
    if not outcomes:
        return set()
    first = first_of_each(outcomes)
    # Two transactions that insert the same verdicts meet them in the same order: no deadlock.
    rows = [_row(digest, fingerprint, first[digest], now) for digest in sorted(first)]
    if not is_sqlite(connection):
        return insert_new(connection, verdicts, _NAMES, rows)
    # Nobody else writes to SQLite within this transaction: what is not there now, is new.
    there = {row[0] for row in _said(connection, _DIGESTS, first, fingerprint)}
    new = [row for row in rows if row[0] not in there]
    insert_rows(connection, verdicts, _NAMES, new)
    return {row[0] for row in new}


def first_of_each(outcomes: Sequence[tuple[str, Outcome[str]]]) -> dict[str, Outcome[str]]:
    """The first outcome of each item digest."""
    return dict(reversed(outcomes))


def worth_recording(outcomes: Sequence[tuple[str, Outcome[str]]]) -> list[tuple[str, Outcome[str]]]:
    """Those that came from a call of this pass and are not in the ledger for certain."""
    return [
        (digest, outcome)
        for digest, outcome in outcomes
        if not outcome.recalled and outcome.kind is not OutcomeKind.EMPTY
    ]


_NAMES = tuple(verdicts.columns.keys())
_DIGESTS = select(verdicts.c.item_digest)
_SAID = select(
    verdicts.c.item_digest,
    verdicts.c.kind,
    verdicts.c.label,
    verdicts.c.confidence,
    verdicts.c.model,
    verdicts.c.input_tokens,
    verdicts.c.output_tokens,
    verdicts.c.cache_write_tokens,
    verdicts.c.cache_read_tokens,
    verdicts.c.detail,
    verdicts.c.body_chars_cut,
)


def _row(digest: str, fingerprint: str, outcome: Outcome[str], now: float) -> tuple[Any, ...]:
    verdict, usage = outcome.verdict, outcome.usage
    said: tuple[str | None, float | None, str | None] = (None, None, None)
    if verdict is not None:
        said = (str(verdict.label), verdict.confidence, verdict.model)
    return (
        digest,
        fingerprint,
        outcome.kind.value,
        *said,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_write_tokens,
        usage.cache_read_tokens,
        storable(outcome.detail),
        outcome.body_chars_cut,
        now,
    )


def _outcome(said: Sequence[Any]) -> Outcome[str]:
    _, kind, label, confidence, model, *tokens, detail, body_chars_cut = said
    usage = Usage(*tokens)
    return Outcome(
        _KINDS[kind],
        None if label is None else Verdict(label, confidence, model or "", usage),
        detail=detail,
        usage=usage,
        body_chars_cut=body_chars_cut,
        recalled=True,
    )
