"""The rows of shards: opened one by one, cut, ended.

Whoever changes more than its own shard locks the row of the run first; the rows of shards come
before those of their passes, always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from kclassify.core.decision import Advance, Decision, Pause, Superseded
from kclassify.core.item import decode_bound
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.errors import UsageError
from kclassify.ports import Pass, PassRequest, Shard
from kclassify.store import passes as pass_rows
from kclassify.store import runs
from kclassify.store.passes import NEWER
from kclassify.store.suspects import suspects_of
from kclassify.store.tables import shards


def open_shard(
    connection: Connection, run: Row[Any], row: Row[Any], request: PassRequest, claim: runs.Claim
) -> Pass | Decision:
    """The shard of this divided pass to work on: the one that is asked for, or the first free one.

    `Superseded` when it is held, or all are that are not done; `Advance` when it is done already.
    Raises `UsageError` for a shard that is not there.
    """
    rival = runs.rival_of(connection, run, claim, but_pass=row.id)
    if rival is not None:
        return Superseded(rival)
    if request.job is not None and row.job is None:
        revive(connection, row.id, claim.now)
    chosen = _choose(shards_of(connection, row.id), request, row, claim)
    if not isinstance(chosen, Row):
        return chosen
    version = chosen.version + 1
    connection.execute(
        shards.update()
        .where(shards.c.id == chosen.id)
        .values(
            status=PassStatus.OPEN,
            version=version,
            version_at_open=version,
            lease_holder=claim.holder,
            lease_expires_at=claim.now + claim.lease_s,
            next_step_at=claim.now,
            ticket_seen=max(chosen.ticket_seen, request.ticket or 0),
        )
    )
    runs.count_opening(connection, run.id)
    runs.fence_off(connection, run.id, but_pass=row.id)
    opened = pass_rows.resume(connection, row, request, claim.holder, claim.now)
    return _opened(connection, opened, chosen, claim.now)


def revive(connection: Connection, pass_id: int, now: float) -> None:
    """Those that have stopped, halted ones too, are to be enqueued anew."""
    stopped = and_(
        shards.c.pass_id == pass_id,
        shards.c.status.in_(RESUMABLE),
        shards.c.next_step_at.is_(None),
    )
    anew = {"status": PassStatus.OPEN, "next_step_at": now, "kicked_at": None}
    connection.execute(shards.update().where(stopped).values(anew))


def _opened(connection: Connection, opened: Pass, chosen: Row[Any], now: float) -> Pass:
    settled = connection.scalar(
        select(func.coalesce(func.sum(shards.c.settled), 0)).where(shards.c.pass_id == opened.id)
    )
    return replace(
        opened,
        version=chosen.version + 1,
        cursor=decode_bound(chosen.cursor),
        settled=chosen.settled,
        elsewhere=opened.settled + int(settled or 0) - chosen.settled,
        suspects=suspects_of(connection, opened.id, chosen.number),
        shard=_shard(chosen),
        limit=pass_rows.recent_limit(chosen, now),
        wanted_parts=chosen.wanted_parts,
    )


def _shard(row: Row[Any]) -> Shard:
    return Shard(row.id, row.number, decode_bound(row.after), decode_bound(row.until))


def shards_of(connection: Connection, pass_id: int) -> Sequence[Row[Any]]:
    """All shards of a pass, in the order of their numbers."""
    query = select(shards).where(shards.c.pass_id == pass_id).order_by(shards.c.number)
    return connection.execute(query).all()


def _choose(
    rows: Sequence[Row[Any]], request: PassRequest, row: Row[Any], claim: runs.Claim
) -> Row[Any] | Decision:
    unfinished = [each for each in rows if each.status in RESUMABLE]
    # All are done when a worker died between its shard's end and that of the pass.
    open_ones = unfinished or list(rows[-1:])
    if request.shard is not None:
        wanted = [each for each in rows if each.number == request.shard]
        if not wanted:
            raise UsageError(
                f"pass {row.number} of run {request.run!r} has no shard {request.shard}: "
                f"it has 1 to {len(rows)}"
            )
        if wanted[0] not in open_ones:
            return Advance(decode_bound(wanted[0].cursor), Pause.SHARD)
        open_ones = wanted
    free = [each for each in open_ones if not runs.holds(each, claim)]
    if not free:
        return Superseded(str(open_ones[0].lease_holder))
    return Superseded(NEWER) if pass_rows.is_old(free[0], request) else free[0]


def end_shard(connection: Connection, opened: Pass, shard: Shard, now: float) -> bool | None:
    """Whether this shard is the last of its pass; one that is not is done now, its lease let go.

    The last one is ended with its pass. None when another worker took over.
    """
    runs.lock(connection, opened.run)
    ours = and_(
        shards.c.id == shard.id,
        shards.c.version_at_open <= opened.version,
        shards.c.status == PassStatus.OPEN,
    )
    if connection.scalar(select(shards.c.id).where(ours).with_for_update()) is None:
        return None
    others = and_(
        shards.c.pass_id == opened.id, shards.c.id != shard.id, shards.c.status.in_(RESUMABLE)
    )
    if not connection.scalar(select(func.count()).select_from(shards).where(others)):
        return True
    connection.execute(
        shards.update()
        .where(ours)
        .values(
            status=PassStatus.DONE,
            last_decision="done",
            updated_at=now,
            finished_at=now,
            next_step_at=None,
            granted=0,
            granted_until=0.0,
        )
    )
    runs.release_lease(connection, opened)
    return False
