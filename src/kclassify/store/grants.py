"""The calls that the workers of a pass may have in flight, all of them together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, and_, case, select

from kclassify.core.shared_concurrency import Grant, Share, share
from kclassify.core.states import RESUMABLE
from kclassify.ports import Pass, Shard
from kclassify.store import breakers
from kclassify.store.tables import passes, shards

LINGER_S = 5.0
"""For so long the share of a step that ended is kept for the next one of its chain, where there is
a call for each."""


def take_share(
    connection: Connection,
    opened: Pass,
    shard: Shard,
    total: int,
    in_flight: int,
    until: tuple[float, float],
) -> Share:
    """What this worker may have in flight, stored as granted; `until` is now, and when it ends."""
    run_id = connection.scalar(select(passes.c.run_id).where(passes.c.id == opened.id))
    breakers.lock(connection, int(run_id or 0))
    now, ends_at = until
    query = select(shards).where(shards.c.pass_id == opened.id, shards.c.status.in_(RESUMABLE))
    found = [row for row in connection.execute(query) if row.id == shard.id or _is_active(row, now)]
    rows = found if len(found) <= total else [row for row in found if row.lease_holder]
    grants = [Grant(row.number, row.granted) for row in rows]
    taken = share(total, shard.number, in_flight, grants)
    connection.execute(
        shards.update()
        .where(shards.c.id == shard.id, shards.c.lease_holder == opened.holder)
        .values(granted=taken.granted, granted_until=ends_at)
    )
    return taken


def _is_active(row: Row[Any], now: float) -> bool:
    return bool(row.granted_until > now)


def give_back(connection: Connection, opened: Pass, now: float) -> None:
    """Nothing of this shard is in flight any more; where it goes on soon, its place is kept."""
    if opened.shard is not None:
        is_due = and_(shards.c.next_step_at.is_not(None), shards.c.next_step_at <= now)
        until = case((is_due, now + LINGER_S), else_=0.0)
        connection.execute(
            shards.update()
            .where(shards.c.id == opened.shard.id)
            .values(granted=0, granted_until=until)
        )
