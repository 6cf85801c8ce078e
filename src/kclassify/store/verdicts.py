"""What a classifier said, by item digest and fingerprint: paid once, recalled ever after."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict
from kclassify.store.insert import insert_or_ignore
from kclassify.store.tables import verdicts
from kclassify.store.text import storable

CHUNK = 500
"""Values in one IN list."""


def in_chunks(values: Collection[str]) -> Iterator[list[str]]:
    """The distinct values, in order, `CHUNK` at a time."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


def recall(
    connection: Connection, digests: Collection[str], fingerprint: str
) -> dict[str, Outcome[str]]:
    """The recorded outcomes by item digest, marked as recalled."""
    recalled: dict[str, Outcome[str]] = {}
    for chunk in in_chunks(digests):
        query = select(verdicts).where(
            verdicts.c.item_digest.in_(chunk), verdicts.c.fingerprint == fingerprint
        )
        for row in connection.execute(query):
            recalled[row.item_digest] = _outcome(row)
    return recalled


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
    if not outcomes:
        return {}
    first = first_of_each(outcomes)
    # Two transactions that insert the same verdicts meet them in the same order: no deadlock.
    rows = [_row(digest, fingerprint, first[digest], now) for digest in sorted(first)]
    insert = insert_or_ignore(connection, verdicts).returning(verdicts.c.item_digest)
    inserted = set(connection.scalars(insert, rows))
    late = {
        digest for digest, outcome in outcomes if digest not in inserted or outcome != first[digest]
    }
    return recall(connection, late, fingerprint)


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


def _row(digest: str, fingerprint: str, outcome: Outcome[str], now: float) -> dict[str, Any]:
    verdict = outcome.verdict
    return {
        "item_digest": digest,
        "fingerprint": fingerprint,
        "kind": outcome.kind.value,
        "label": None if verdict is None else str(verdict.label),
        "confidence": None if verdict is None else verdict.confidence,
        "model": None if verdict is None else verdict.model,
        "input_tokens": outcome.usage.input_tokens,
        "output_tokens": outcome.usage.output_tokens,
        "cache_write_tokens": outcome.usage.cache_write_tokens,
        "cache_read_tokens": outcome.usage.cache_read_tokens,
        "detail": storable(outcome.detail),
        "body_chars_cut": outcome.body_chars_cut,
        "recorded_at": now,
    }


def _outcome(row: Row[Any]) -> Outcome[str]:
    usage = Usage(
        row.input_tokens, row.output_tokens, row.cache_write_tokens, row.cache_read_tokens
    )
    verdict = None
    if row.label is not None:
        verdict = Verdict(row.label, row.confidence, row.model or "", usage)
    return Outcome(
        OutcomeKind(row.kind),
        verdict,
        detail=row.detail,
        usage=usage,
        body_chars_cut=row.body_chars_cut,
        recalled=True,
    )
