"""The rows that a run has written, for those who look at some of them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from kclassify.core.canary import WrittenRow
from kclassify.core.item import decode_key
from kclassify.core.states import RESUMABLE, UNDONE, ChangeStatus, PassStatus
from kclassify.ports import Mode
from kclassify.store.tables import changes, outcomes, passes, runs


def written(connection: Connection, run: str) -> list[WrittenRow]:
    """Those of all its commits, in the order in which they were written."""
    commits = select(passes.c.id).join(runs, runs.c.id == passes.c.run_id)
    commits = commits.where(runs.c.name == run, passes.c.mode == Mode.COMMIT)
    done = commits.where(passes.c.status == PassStatus.DONE).order_by(passes.c.id.desc()).limit(1)
    last_done = connection.scalar(done) or 0
    settled = and_(
        outcomes.c.pass_id == changes.c.pass_id, outcomes.c.item_key == changes.c.item_key
    )
    query = (
        select(
            changes.c.item_key,
            changes.c.after,
            changes.c.pass_id,
            changes.c.status,
            outcomes.c.item_digest,
            passes.c.gate,
        )
        .join(passes, passes.c.id == changes.c.pass_id)
        .outerjoin(outcomes, settled)
        .where(changes.c.pass_id.in_(commits), _is_told())
        .order_by(changes.c.id)
    )
    return [
        WrittenRow(
            str(decode_key(row.item_key)),
            row.after,
            row.item_digest,
            finished=row.pass_id <= last_done,
            reverted=row.status in UNDONE,
            gates=tuple((row.gate or "").splitlines()),
        )
        for row in connection.execute(query)
    ]


def _is_told() -> ColumnElement[bool]:
    is_settled = outcomes.c.item_digest.is_not(None)
    is_certain = or_(is_settled, passes.c.status.not_in(RESUMABLE))
    # What a rollback met before it was settled may never have arrived.
    return or_(
        and_(changes.c.status == ChangeStatus.WRITTEN, is_certain),
        and_(changes.c.status.in_(UNDONE), is_settled),
    )
