"""What the ledger tells people of the batches of a run."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from kclassify.core.batch import BatchStatus
from kclassify.store.batch_rows import UNREAD
from kclassify.store.call_tables import batches, requests
from kclassify.store.tables import passes


@dataclass(frozen=True, slots=True)
class BatchReport:
    """A batch of the pass of this number; `shard` is 0 where that was in one piece.

    `stored` is how many of its requests have a result in the ledger, `held` what is held for it, in
    nanodollars. Times are Unix seconds: `polled_at` is when it was last asked after, `over_at` when
    its last result was read, or it was given up as lost.
    """

    id: int
    pass_number: int
    shard: int
    remote_id: str | None
    status: BatchStatus
    requests: int
    stored: int
    held: int
    intended_at: float
    polled_at: float | None
    expires_at: float | None
    over_at: float | None


def batch_reports(connection: Connection, run_id: int) -> tuple[BatchReport, ...]:
    """All batches of a run, those of abandoned passes too, in the order of their plans."""
    stored = _stored(connection, run_id)
    query = (
        select(batches, passes.c.number)
        .join(passes, passes.c.id == batches.c.pass_id)
        .where(batches.c.run_id == run_id)
        .order_by(batches.c.id)
    )
    return tuple(
        BatchReport(
            id=row.id,
            pass_number=row.number,
            shard=row.shard,
            remote_id=row.remote_id,
            status=BatchStatus(row.status),
            requests=row.requests,
            stored=row.requests if row.status == BatchStatus.READ else stored.get(row.id, 0),
            held=row.held,
            intended_at=row.intended_at,
            polled_at=row.polled_at,
            expires_at=row.expires_at,
            over_at=row.over_at,
        )
        for row in connection.execute(query)
    )


def _stored(connection: Connection, run_id: int) -> dict[int, int]:
    """How many results of each batch that is not over are there."""
    query = (
        select(requests.c.batch_id, func.count().label("stored"))
        .join(batches, batches.c.id == requests.c.batch_id)
        .where(
            batches.c.run_id == run_id,
            batches.c.status.in_(UNREAD),
            requests.c.kind.is_not(None),
        )
        .group_by(requests.c.batch_id)
    )
    return {row.batch_id: row.stored for row in connection.execute(query)}
