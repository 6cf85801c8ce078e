"""The rows of changes: every write, what became of it, and the way back."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, true

from kclassify.core.item import decode_key, encode_key
from kclassify.core.policy import Change
from kclassify.core.states import UNWRITTEN, ChangeStatus
from kclassify.ports import Pass, Receipt, Write, WriteResult
from kclassify.row_sets import among
from kclassify.store.insert import insert_rows
from kclassify.store.passes import is_abandoned
from kclassify.store.places import shard_number
from kclassify.store.settlement import Audited, status_of
from kclassify.store.tables import changes
from kclassify.store.verdicts import in_chunks


def known(connection: Connection, idempotency_keys: Collection[str]) -> dict[str, Audited]:
    """What the audit holds of these writes, by idempotency key."""
    found: dict[str, Audited] = {}
    for chunk in in_chunks(idempotency_keys):
        query = select(changes).where(among(connection, changes.c.idempotency_key, chunk))
        for row in connection.execute(query):
            found[row.idempotency_key] = Audited(change_of(row), ChangeStatus(row.status))
    return found


def add_intents(
    connection: Connection, opened: Pass, run_id: int, writes: Sequence[Write], now: float
) -> None:
    """Store that these writes are about to be tried."""
    rows = [_row(opened, run_id, write, ChangeStatus.INTENT, "{}", now) for write in writes]
    insert_rows(connection, changes, _NAMES, rows)


def add_results(
    connection: Connection,
    opened: Pass,
    run_id: int,
    results: Sequence[tuple[Write, Receipt]],
    now: float,
) -> None:
    """Store writes with what became of them."""
    rows = [
        _row(opened, run_id, write, status_of(receipt), _json(receipt.extra), now)
        for write, receipt in results
    ]
    insert_rows(connection, changes, _NAMES, rows)


def resolve_intents(
    connection: Connection, results: Sequence[tuple[Write, Receipt]], now: float
) -> None:
    """Store what became of intents; one that another worker has settled since stays as it is."""
    if not results:
        return
    statement = (
        changes.update()
        .where(
            changes.c.idempotency_key == bindparam("of_write"),
            changes.c.status == ChangeStatus.INTENT,
        )
        .values(status=bindparam("new_status"), extra=bindparam("new_extra"), recorded_at=now)
    )
    rows = [
        {
            "of_write": write.idempotency_key,
            "new_status": status_of(receipt),
            "new_extra": dict(receipt.extra),
        }
        for write, receipt in results
    ]
    connection.execute(statement, rows)


def resolve_late(
    connection: Connection, opened: Pass, results: Sequence[tuple[Write, Receipt]], now: float
) -> None:
    """Store writes that arrived after the run was taken over, so that a rollback finds them.

    What the successor will try again stays an intent; a pass that was rolled back has none.
    """
    stale = [*UNWRITTEN]
    if is_abandoned(connection, opened):
        stale.append(ChangeStatus.INTENT)
    for write, receipt in results:
        if receipt.result is WriteResult.WRITTEN:
            connection.execute(
                changes.update()
                .where(
                    changes.c.idempotency_key == write.idempotency_key, changes.c.status.in_(stale)
                )
                .values(
                    status=ChangeStatus.WRITTEN,
                    extra=dict(receipt.extra),
                    recorded_at=now,
                    reverted_at=None,
                )
            )


def intents(connection: Connection, opened: Pass, run_id: int, limit: int) -> list[Write]:
    """Writes of this run whose fate is unknown, oldest first, to be tried again.

    Those of the other shards of this pass are left out: their workers may be at it. Those from
    before it was cut are for its first shard.
    """
    number = shard_number(opened)
    numbers = [0, number] if number == 1 else [number]
    ours = or_(changes.c.pass_id != opened.id, changes.c.shard.in_(numbers))
    if opened.shard is None:
        ours = true()
    query = (
        select(changes)
        .where(changes.c.run_id == run_id, changes.c.status == ChangeStatus.INTENT, ours)
        .order_by(changes.c.id)
        .limit(limit)
    )
    return [write_of(row, redo=True) for row in connection.execute(query)]


def write_of(row: Row[Any], *, redo: bool) -> Write:
    """The write that a row of the audit stands for."""
    return Write(change_of(row), row.idempotency_key, redo, row.extra)


def change_of(row: Row[Any]) -> Change:
    """The change that a row of the audit stands for."""
    return Change(decode_key(row.item_key), row.before, row.after, row.confidence)


_NAMES = (
    "run_id",
    "pass_id",
    "item_key",
    "before",
    "after",
    "confidence",
    "status",
    "idempotency_key",
    "extra",
    "recorded_at",
    "shard",
)


def _json(extra: Mapping[str, Any]) -> str:
    return json.dumps(dict(extra)) if extra else "{}"


def _row(
    opened: Pass, run_id: int, write: Write, status: ChangeStatus, extra: str, now: float
) -> tuple[Any, ...]:
    change = write.change
    return (
        run_id,
        opened.id,
        encode_key(change.key),
        change.before,
        change.after,
        change.confidence,
        status.value,
        write.idempotency_key,
        extra,
        now,
        shard_number(opened),
    )
