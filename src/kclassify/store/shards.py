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
from kclassify.core.division import Division
from kclassify.core.item import Key, decode_key, encode_key
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.errors import UsageError
from kclassify.ports import Mode, Pass, PassRequest, Shard
from kclassify.store import passes as pass_rows
from kclassify.store import runs
from kclassify.store.insert import insert_all
from kclassify.store.passes import NEWER
from kclassify.store.places import is_row_of, place_of
from kclassify.store.suspects import forget_suspects, suspects_of
from kclassify.store.tables import passes, shards


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
        cursor=_decoded(chosen.cursor),
        settled=chosen.settled,
        elsewhere=opened.settled + int(settled or 0) - chosen.settled,
        suspects=suspects_of(connection, opened.id, chosen.number),
        shard=_shard(chosen),
        limit=pass_rows.recent_limit(chosen, now),
        wanted_parts=chosen.wanted_parts,
    )


def _shard(row: Row[Any]) -> Shard:
    return Shard(row.id, row.number, _decoded(row.after), _decoded(row.until))


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
            return Advance(_decoded(wanted[0].cursor), Pause.SHARD)
        open_ones = wanted
    free = [each for each in open_ones if not runs.holds(each, claim)]
    if not free:
        return Superseded(str(open_ones[0].lease_holder))
    return Superseded(NEWER) if pass_rows.is_old(free[0], request) else free[0]


def divide(
    connection: Connection, opened: Pass, division: Division, now: float, lease_s: float
) -> Pass | None:
    """Cut a pass, or a shard of it, at these bounds; its first part stays with this worker.

    None when another worker took over. The other parts wait for workers.
    """
    runs.lock(connection, opened.run)
    held = pass_rows.move(connection, opened)
    if held is None:
        return None
    place = place_of(held)
    connection.execute(place.update().where(is_row_of(held)).values(wanted_parts=1))
    held = replace(held, wanted_parts=1)
    if not division.bounds:
        return held
    forget_suspects(connection, opened)
    ranges = _ranges(opened, division)
    taken = 0 if opened.shard is None else _count(connection, opened.id)
    if opened.shard is None:
        shard, taken = _first(connection, held, ranges[0], now, lease_s), 1
    else:
        shard = _shorten(connection, held, opened.shard, ranges[0])
    rest = [_values(opened.id, taken + n, each, now) for n, each in enumerate(ranges[1:], 1)]
    insert_all(connection, shards, rest)
    connection.execute(
        passes.update().where(passes.c.id == opened.id).values(parts=taken + len(rest))
    )
    version = 1 if opened.shard is None else held.version
    return replace(held, shard=shard, version=version, suspects=(), resumed=True)


_Range = tuple[Key | None, Key | None, int]


def _ranges(opened: Pass, division: Division) -> list[_Range]:
    after, until = (
        (None, None) if opened.shard is None else (opened.shard.after, opened.shard.until)
    )
    begins = [after, *division.bounds]
    return list(zip(begins, [*division.bounds, until], division.sizes, strict=True))


def _count(connection: Connection, pass_id: int) -> int:
    return (
        connection.scalar(select(func.max(shards.c.number)).where(shards.c.pass_id == pass_id)) or 0
    )


def _first(connection: Connection, held: Pass, first: _Range, now: float, lease_s: float) -> Shard:
    """What a pass in one piece becomes: its cursor, its count and its lease go to shard 1."""
    values = _values(held.id, 1, first, now) | {
        "cursor": None if held.cursor is None else encode_key(held.cursor),
        "settled": held.settled,
        "items": first[2] + held.settled,
        "lease_holder": held.holder,
        "lease_expires_at": now + lease_s,
    }
    query = select(passes.c.kicked_at, passes.c.ticket, passes.c.ticket_seen)
    chain = connection.execute(query.where(passes.c.id == held.id)).mappings().one()
    insert = shards.insert().returning(shards.c.id)
    identity = connection.execute(insert, values | dict(chain)).scalar_one()
    runs.release_lease(connection, held)
    whole = {
        "cursor": None,
        "settled": 0,
        "next_step_at": None,
        "version_at_open": held.version,
    }
    connection.execute(passes.update().where(passes.c.id == held.id).values(whole))
    return Shard(identity, 1, first[0], first[1])


def _shorten(connection: Connection, held: Pass, shard: Shard, first: _Range) -> Shard:
    values = {"until": _encoded(first[1]), "items": first[2] + held.settled}
    connection.execute(shards.update().where(shards.c.id == shard.id).values(values))
    return replace(shard, until=first[1])


def _values(pass_id: int, number: int, cut: _Range, now: float) -> dict[str, Any]:
    after, until, items = cut
    return {
        "pass_id": pass_id,
        "number": number,
        "after": _encoded(after),
        "until": _encoded(until),
        "items": items,
        "status": PassStatus.OPEN,
        "version": 1,
        "version_at_open": 1,
        "settled": 0,
        "lease_expires_at": 0.0,
        "updated_at": now,
        "next_step_at": now,
        "granted": 0,
        "granted_until": 0.0,
        "wanted_parts": 1,
        "ticket": 0,
        "ticket_seen": 0,
    }


def want_parts(
    connection: Connection, request: tuple[str, Mode], shard: int | None, into: int
) -> int:
    """Have the next step of an unfinished pass, or of its shard, cut it; the number of the pass.

    `request` is a run and a mode. Raises `UsageError` where there is no such pass or shard.
    """
    name, mode = request
    row = pass_rows.latest_resumable(connection, runs.find(connection, name).id, mode)
    if row is None:
        raise UsageError(f"run {name!r} has no unfinished {mode}: there is nothing to divide")
    if row.parts and shard is None:
        raise UsageError(f"pass {row.number} of run {name!r} is divided: say which shard to cut")
    ours = and_(shards.c.pass_id == row.id, shards.c.number == shard)
    table, condition = (shards, ours) if row.parts else (passes, passes.c.id == row.id)
    if shard is not None and not row.parts:
        raise UsageError(f"pass {row.number} of run {name!r} has no shards: leave the shard out")
    unfinished = and_(condition, table.c.status.in_(RESUMABLE))
    if connection.execute(table.update().where(unfinished).values(wanted_parts=into)).rowcount == 0:
        raise UsageError(f"pass {row.number} of run {name!r} has no unfinished shard {shard}")
    return int(row.number)


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


def _decoded(key: str | None) -> Key | None:
    return None if key is None else decode_key(key)


def _encoded(key: Key | None) -> str | None:
    return None if key is None else encode_key(key)
