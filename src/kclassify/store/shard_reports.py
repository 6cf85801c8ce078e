"""What the ledger tells people of the shards of a pass."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from kclassify.core.item import Key, decode_bound
from kclassify.core.states import PassStatus
from kclassify.store.shards import shards_of


@dataclass(frozen=True, slots=True)
class ShardReport:
    """A part of a divided pass: the keys that follow `after` and do not follow `until`.

    `items` is how many those were when it was cut. Times are Unix seconds; `next_step_at` is when
    somebody is to go on with it, None when nobody is.
    """

    number: int
    after: Key | None
    until: Key | None
    items: int
    settled: int
    status: PassStatus
    cursor: Key | None
    lease_holder: str | None
    lease_expires_at: float
    updated_at: float
    next_step_at: float | None
    last_decision: str | None


def shard_reports(connection: Connection, pass_id: int) -> tuple[ShardReport, ...]:
    """All shards of a pass, in the order of their numbers."""
    return tuple(
        ShardReport(
            number=row.number,
            after=decode_bound(row.after),
            until=decode_bound(row.until),
            items=row.items,
            settled=row.settled,
            status=PassStatus(row.status),
            cursor=decode_bound(row.cursor),
            lease_holder=row.lease_holder,
            lease_expires_at=row.lease_expires_at,
            updated_at=row.updated_at,
            next_step_at=row.next_step_at,
            last_decision=row.last_decision,
        )
        for row in shards_of(connection, pass_id)
    )
