"""The rows that a run has written, for those who look at some of them."""

from __future__ import annotations

from sqlalchemy import Connection, and_, or_, select

from kclassify.core.canary import WrittenRow
from kclassify.core.item import decode_key
from kclassify.ports import Mode
from kclassify.store.states import RESUMABLE, ChangeStatus, PassStatus
from kclassify.store.tables import changes, outcomes, passes, runs


def written(connection: Connection, run: str) -> list[WrittenRow]:
    """Those of all its commits that were not put back, in the order in which they were written."""
    commits = select(passes.c.id).join(runs, runs.c.id == passes.c.run_id)
    commits = commits.where(runs.c.name == run, passes.c.mode == Mode.COMMIT)
    done = commits.where(passes.c.status == PassStatus.DONE).order_by(passes.c.id.desc()).limit(1)
    last_done = connection.scalar(done) or 0
    settled = and_(
        outcomes.c.pass_id == changes.c.pass_id, outcomes.c.item_key == changes.c.item_key
    )
    query = (
        select(changes.c.item_key, changes.c.after, changes.c.pass_id, outcomes.c.item_digest)
        .join(passes, passes.c.id == changes.c.pass_id)
        .outerjoin(outcomes, settled)
        .where(
            changes.c.pass_id.in_(commits),
            changes.c.status == ChangeStatus.WRITTEN,
            or_(outcomes.c.item_digest.is_not(None), passes.c.status.not_in(RESUMABLE)),
        )
        .order_by(changes.c.id)
    )
    return [
        WrittenRow(str(decode_key(key)), after, digest, finished=pass_id <= last_done)
        for key, after, pass_id, digest in connection.execute(query)
    ]
