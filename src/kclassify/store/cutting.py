"""Passes and shards cut into parts: at once by who holds them, or wanted of their next step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, func, select

from kclassify.core.division import Division
from kclassify.core.item import Key, encode_bound
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.errors import UsageError
from kclassify.ports import Mode, Pass, Shard
from kclassify.store import passes as pass_rows
from kclassify.store import runs
from kclassify.store.insert import insert_all
from kclassify.store.places import is_row_of, place_of
from kclassify.store.suspects import forget_suspects
from kclassify.store.tables import passes, shards


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
        "cursor": encode_bound(held.cursor),
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
    values = {"until": encode_bound(first[1]), "items": first[2] + held.settled}
    connection.execute(shards.update().where(shards.c.id == shard.id).values(values))
    return replace(shard, until=first[1])


def _values(pass_id: int, number: int, cut: _Range, now: float) -> dict[str, Any]:
    after, until, items = cut
    return {
        "pass_id": pass_id,
        "number": number,
        "after": encode_bound(after),
        "until": encode_bound(until),
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
