"""Writes that were on their way to an external writer when a worker died: tried again."""

from __future__ import annotations

from sqlalchemy import Connection

from kclassify.database import Database
from kclassify.ports import Pass, Write, Writer
from kclassify.store import audit, passes
from kclassify.store.places import run_id_of

BATCH = 500


def settle_intents(database: Database, opened: Pass, writer: Writer, now: float) -> int:
    """How many were tried again. It stops where another worker has taken over."""
    tried = 0
    while batch := _batch(database, opened, writer, now):
        tried += batch
    return tried


def _batch(database: Database, opened: Pass, writer: Writer, now: float) -> int:
    with database.begin() as connection:
        writes = _unfinished(connection, opened)
        if not writes:
            return 0
        if writer.database == database.identity:
            receipts = writer.apply(writes, connection)
            results = list(zip(writes, receipts, strict=True))
            audit.resolve_intents(connection, results, now)
            return len(writes)
    receipts = writer.apply(writes, None)
    results = list(zip(writes, receipts, strict=True))
    with database.begin() as connection:
        if not passes.holds_fence(connection, opened):
            audit.resolve_late(connection, opened, results, now)
            return 0
        audit.resolve_intents(connection, results, now)
    return len(writes)


def _unfinished(connection: Connection, opened: Pass) -> list[Write]:
    if not passes.holds_fence(connection, opened):
        return []
    return audit.intents(connection, opened, run_id_of(connection, opened), BATCH)
