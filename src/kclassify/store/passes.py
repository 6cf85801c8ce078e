"""The rows of passes: found or started, moved by compare-and-set, ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, and_, cast, func, select

from kclassify.core.decision import Decision, Done, Halt, Superseded
from kclassify.core.item import decode_bound, encode_bound
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.ports import Mode, Pass, PassRequest
from kclassify.store import breakers
from kclassify.store.endings import Ending
from kclassify.store.places import is_row_of, place_of
from kclassify.store.reasons import together
from kclassify.store.strays import has_strays
from kclassify.store.suspects import suspects_of
from kclassify.store.tables import passes, shards
from kclassify.store.text import storable

_REASONS = ("override", "gate", "gate_refusal")
"""Why a pass may write."""
NEWER = "a newer job"
"""Who goes on where an older chain of jobs ends."""
RECENT_S = 300.0
"""For so long the provider is thought to take as many calls at once as it did."""


def open_pass(
    connection: Connection, run_id: int, request: PassRequest, holder: str, now: float
) -> Pass:
    """The pass to go on with, or the next one when there is none for this classifier and source."""
    row = latest_resumable(connection, run_id, request.mode)
    if row is not None and is_for(row, request):
        return resume(connection, row, request, holder, now)
    if row is not None:
        abandon(connection, run_id, request.mode, now)
    return _start(connection, run_id, request, holder, now)


def is_for(row: Row[Any], request: PassRequest) -> bool:
    """Whether the request can go on with this pass: the same classifier, the same source."""
    return bool((row.fingerprint, row.source) == (request.fingerprint, request.source))


def is_old(row: Row[Any], request: PassRequest) -> bool:
    """Whether the job that asks is of a chain that was thought lost, and another came since."""
    return request.ticket is not None and request.ticket < row.ticket_seen


def tell(connection: Connection, row: Row[Any], shard: int | None, told: str) -> None:
    """Store what people are to know of this pass, or of its shard, which goes on as it was."""
    told = storable(told)
    if row.parts and shard is not None:
        ours = and_(shards.c.pass_id == row.id, shards.c.number == shard)
        connection.execute(shards.update().where(ours).values(last_decision=told))
    connection.execute(passes.update().where(passes.c.id == row.id).values(last_decision=told))


def instead_of(
    connection: Connection, run_id: int, row: Row[Any] | None, request: PassRequest
) -> Decision | None:
    """The decision when the pass that is asked for by number is not the one to go on with.

    A job that comes late must not begin the next pass.
    """
    is_ours = row is not None and row.number == request.number and is_for(row, request)
    if row is not None and is_ours and not row.parts and is_old(row, request):
        return Superseded(NEWER)
    if request.number is None or is_ours:
        return None
    if row is not None and row.number == request.number:
        return Halt(
            f"the classifier or the source of run {request.run!r} is another than when pass "
            f"{row.number} began: start it again, or undo that change"
        )
    query = select(passes.c.status).where(
        passes.c.run_id == run_id, passes.c.number == request.number
    )
    is_done = connection.scalar(query) == PassStatus.DONE
    return Done() if is_done else Superseded(f"the end of pass {request.number}")


def abandon(connection: Connection, run_id: int, mode: Mode, now: float) -> None:
    """End the passes of this mode that are not done: nobody goes on with them."""
    ours = _is_resumable(run_id, mode)
    parts = shards.c.pass_id.in_(select(passes.c.id).where(ours))
    ended = {"status": PassStatus.ABANDONED, "updated_at": now, "finished_at": now}
    unfinished = and_(parts, shards.c.status.in_(RESUMABLE))
    connection.execute(shards.update().where(unfinished).values(**ended, next_step_at=None))
    connection.execute(passes.update().where(ours).values(**ended, next_step_at=None))


def _is_resumable(run_id: int, mode: Mode) -> ColumnElement[bool]:
    return and_(passes.c.run_id == run_id, passes.c.mode == mode, passes.c.status.in_(RESUMABLE))


def latest_resumable(connection: Connection, run_id: int, mode: Mode) -> Row[Any] | None:
    """The pass of this mode that is not done."""
    query = select(passes).where(_is_resumable(run_id, mode)).order_by(passes.c.number.desc())
    return connection.execute(query.limit(1)).one_or_none()


def resume(
    connection: Connection, row: Row[Any], request: PassRequest, holder: str, now: float
) -> Pass:
    """Go on with this pass, for the reasons of before and those that are given now.

    Of a pass that is divided, the one that comes back is not worked on: a shard of it is.
    """
    due: dict[str, Any] = {}
    if not row.parts:
        due = {"next_step_at": now, "ticket_seen": max(row.ticket_seen, request.ticket or 0)}
    connection.execute(
        passes.update().where(passes.c.id == row.id).values(_goes_on(row, request, now) | due)
    )
    breaker = breakers.of_run(connection, row.run_id)
    return Pass(
        id=row.id,
        run=request.run,
        mode=request.mode,
        number=row.number,
        version=row.version,
        holder=holder,
        cursor=decode_bound(row.cursor),
        settled=row.settled,
        resumed=row.settled > 0 or breaker.snoozes > 0 or row.parts > 0,
        breaker=breaker,
        suspects=() if row.parts else suspects_of(connection, row.id, 0),
        limit=recent_limit(row, now),
        wanted_parts=row.wanted_parts,
        has_stray_changes=has_strays(connection, row.id),
        run_id=row.run_id,
    )


def _goes_on(row: Row[Any], request: PassRequest, now: float) -> dict[str, Any]:
    why = {name: together(getattr(row, name), getattr(request, name)) for name in _REASONS}
    state = {"status": PassStatus.OPEN, "model": request.model, "updated_at": now}
    return state | _job(request) | why


def renew(connection: Connection, row: Row[Any], request: PassRequest, now: float) -> None:
    """Have jobs go on with this pass: it is due where it has stopped."""
    values = _goes_on(row, request, now)
    if row.next_step_at is None and not row.parts:
        values |= {"next_step_at": now, "kicked_at": None}
    connection.execute(passes.update().where(passes.c.id == row.id).values(values))


def recent_limit(row: Row[Any], now: float) -> int | None:
    """How many calls ran at once, where that is not long ago."""
    is_recent = 0 <= now - row.updated_at <= RECENT_S
    return row.call_limit if is_recent else None


def _start(
    connection: Connection, run_id: int, request: PassRequest, holder: str, now: float
) -> Pass:
    highest = connection.scalar(select(func.max(passes.c.number)).where(passes.c.run_id == run_id))
    number = 1 + (highest or 0)
    values = _values(request, now) | _job(request) | {"run_id": run_id, "number": number}
    identity = connection.execute(passes.insert().returning(passes.c.id), values).scalar_one()
    return Pass(
        id=identity,
        run=request.run,
        mode=request.mode,
        number=number,
        version=1,
        holder=holder,
        breaker=breakers.find_or_create(connection, run_id),
        has_stray_changes=False,
        run_id=run_id,
    )


def _job(request: PassRequest) -> dict[str, Any]:
    return {} if request.job is None else {"job": dict(request.job)}


def _values(request: PassRequest, now: float) -> dict[str, Any]:
    return {
        "mode": request.mode,
        "status": PassStatus.OPEN,
        "fingerprint": request.fingerprint,
        "model": request.model,
        "source": request.source,
        "version": 1,
        "version_at_open": 1,
        "settled": 0,
        **{name: getattr(request, name) for name in _REASONS},
        "started_at": now,
        "updated_at": now,
        "parts": 0,
        "next_step_at": now,
    }


def move(connection: Connection, opened: Pass) -> Pass | None:
    """Pass the fence by compare-and-set; None when another worker did first."""
    place = place_of(opened)
    moved = connection.execute(
        place.update()
        .where(
            is_row_of(opened),
            place.c.version == opened.version,
            place.c.status == PassStatus.OPEN,
        )
        .values(version=opened.version + 1)
    )
    return replace(opened, version=opened.version + 1) if moved.rowcount == 1 else None


def holds_fence(connection: Connection, opened: Pass) -> bool:
    """Whether `opened` is still the one to write; nobody moves the fence in this transaction."""
    place = place_of(opened)
    query = select(place.c.version).where(is_row_of(opened), place.c.status == PassStatus.OPEN)
    return connection.scalar(query.with_for_update(key_share=True)) == opened.version


def is_abandoned(connection: Connection, opened: Pass) -> bool:
    """Whether nobody goes on with this pass."""
    query = select(passes.c.status).where(passes.c.id == opened.id)
    return connection.scalar(query) == PassStatus.ABANDONED


def latest_with_outcomes(connection: Connection, run_id: int) -> Row[Any] | None:
    """The latest pass of a run that settled any item."""
    query = (
        whole_passes()
        .where(passes.c.run_id == run_id, settled_in_all() > 0)
        .order_by(passes.c.number.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def whole_passes() -> Select[Any]:
    """Passes, each with what it settled in all of its shards."""
    columns = [column for column in passes.c if column.name != "settled"]
    return select(*columns, settled_in_all().label("settled"))


def settled_in_all() -> ColumnElement[int]:
    """How many items a pass settled, in all of its shards."""
    query = select(func.coalesce(func.sum(shards.c.settled), 0)).where(
        shards.c.pass_id == passes.c.id
    )
    return passes.c.settled + cast(query.scalar_subquery(), BigInteger)


def store_progress(connection: Connection, opened: Pass, limit: int | None, now: float) -> None:
    """Store the cursor, the number of settled items and how many calls may run at once."""
    connection.execute(
        place_of(opened)
        .update()
        .where(is_row_of(opened))
        .values(
            cursor=encode_bound(opened.cursor),
            settled=opened.settled,
            call_limit=limit,
            updated_at=now,
        )
    )


def end(connection: Connection, opened: Pass, ending: Ending) -> bool:
    """Store how a step of this pass ended; False when it was opened again, or ended, since.

    The end of a shard that closes the pass is that of the pass.
    """
    place = place_of(opened)
    values = {
        "status": ending.status,
        "last_decision": ending.told,
        "updated_at": ending.now,
        "finished_at": ending.now if ending.status is PassStatus.DONE else None,
        "next_step_at": ending.next_step_at,
    }
    ended = connection.execute(
        place.update()
        .where(
            is_row_of(opened),
            place.c.version_at_open <= opened.version,
            place.c.status == PassStatus.OPEN,
        )
        .values(values)
    )
    if ended.rowcount == 1 and opened.shard is not None:
        told = values | {"next_step_at": None}
        others = and_(shards.c.pass_id == opened.id, shards.c.status == PassStatus.HALTED)
        is_halted = connection.scalar(select(func.count()).select_from(shards).where(others))
        if ending.status is not PassStatus.OPEN or not is_halted:
            connection.execute(passes.update().where(passes.c.id == opened.id).values(told))
    return ended.rowcount == 1
