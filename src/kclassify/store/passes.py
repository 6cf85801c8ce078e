"""The rows of passes: found or started, moved by compare-and-set, ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from kclassify.core.availability import Suspect
from kclassify.core.item import decode_key, encode_key
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.core.verdict import OutcomeKind
from kclassify.ports import Mode, Pass, PassRequest
from kclassify.store import breakers
from kclassify.store.insert import insert_all
from kclassify.store.reasons import together
from kclassify.store.tables import passes, suspects

_REASONS = ("override", "gate", "gate_refusal")
"""Why a pass may write."""


def open_pass(
    connection: Connection, run_id: int, request: PassRequest, holder: str, now: float
) -> Pass:
    """The pass to go on with, or the next one when there is none for this classifier and source."""
    row = _latest_resumable(connection, run_id, request.mode)
    if row is not None and (row.fingerprint, row.source) == (request.fingerprint, request.source):
        return _resume(connection, row, request, holder, now)
    if row is not None:
        abandon(connection, run_id, request.mode, now)
    return _start(connection, run_id, request, holder, now)


def abandon(connection: Connection, run_id: int, mode: Mode, now: float) -> None:
    """End the passes of this mode that are not done: nobody goes on with them."""
    connection.execute(
        passes.update()
        .where(_is_resumable(run_id, mode))
        .values(status=PassStatus.ABANDONED, updated_at=now, finished_at=now)
    )


def _is_resumable(run_id: int, mode: Mode) -> ColumnElement[bool]:
    return and_(passes.c.run_id == run_id, passes.c.mode == mode, passes.c.status.in_(RESUMABLE))


def _latest_resumable(connection: Connection, run_id: int, mode: Mode) -> Row[Any] | None:
    query = select(passes).where(_is_resumable(run_id, mode)).order_by(passes.c.number.desc())
    return connection.execute(query.limit(1)).one_or_none()


def _resume(
    connection: Connection, row: Row[Any], request: PassRequest, holder: str, now: float
) -> Pass:
    why = {name: together(getattr(row, name), getattr(request, name)) for name in _REASONS}
    connection.execute(
        passes.update()
        .where(passes.c.id == row.id)
        .values(status=PassStatus.OPEN, model=request.model, updated_at=now, **why)
    )
    breaker = breakers.of_run(connection, row.run_id)
    return Pass(
        id=row.id,
        run=request.run,
        mode=request.mode,
        number=row.number,
        version=row.version,
        holder=holder,
        cursor=None if row.cursor is None else decode_key(row.cursor),
        settled=row.settled,
        resumed=row.settled > 0 or breaker.snoozes > 0,
        breaker=breaker,
        suspects=_suspects_of(connection, row.id),
    )


def _start(
    connection: Connection, run_id: int, request: PassRequest, holder: str, now: float
) -> Pass:
    highest = connection.scalar(select(func.max(passes.c.number)).where(passes.c.run_id == run_id))
    number = 1 + (highest or 0)
    values = _values(request, now) | {"run_id": run_id, "number": number}
    identity = connection.execute(passes.insert().returning(passes.c.id), values).scalar_one()
    return Pass(
        id=identity,
        run=request.run,
        mode=request.mode,
        number=number,
        version=1,
        holder=holder,
        breaker=breakers.find_or_create(connection, run_id),
    )


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
    }


def move(connection: Connection, opened: Pass) -> Pass | None:
    """Pass the fence by compare-and-set; None when another worker did first."""
    moved = connection.execute(
        passes.update()
        .where(
            passes.c.id == opened.id,
            passes.c.version == opened.version,
            passes.c.status == PassStatus.OPEN,
        )
        .values(version=opened.version + 1)
    )
    return replace(opened, version=opened.version + 1) if moved.rowcount == 1 else None


def holds_fence(connection: Connection, opened: Pass) -> bool:
    """Whether `opened` is still the one to write; nobody moves the fence in this transaction."""
    query = select(passes.c.version).where(
        passes.c.id == opened.id, passes.c.status == PassStatus.OPEN
    )
    return connection.scalar(query.with_for_update(key_share=True)) == opened.version


def is_abandoned(connection: Connection, opened: Pass) -> bool:
    """Whether nobody goes on with this pass."""
    query = select(passes.c.status).where(passes.c.id == opened.id)
    return connection.scalar(query) == PassStatus.ABANDONED


def latest_with_outcomes(connection: Connection, run_id: int) -> Row[Any] | None:
    """The latest pass of a run that settled any item."""
    query = (
        select(passes)
        .where(passes.c.run_id == run_id, passes.c.settled > 0)
        .order_by(passes.c.number.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def store_progress(connection: Connection, opened: Pass, now: float) -> None:
    """Store the cursor and the number of settled items."""
    connection.execute(
        passes.update()
        .where(passes.c.id == opened.id)
        .values(
            cursor=None if opened.cursor is None else encode_key(opened.cursor),
            settled=opened.settled,
            updated_at=now,
        )
    )


def end(connection: Connection, opened: Pass, status: PassStatus, told: str, now: float) -> bool:
    """Store how a step of this pass ended; False when it was opened again, or ended, since.

    `status` is that of the pass from now on.
    """
    finished = now if status is PassStatus.DONE else None
    ended = connection.execute(
        passes.update()
        .where(
            passes.c.id == opened.id,
            passes.c.version_at_open <= opened.version,
            passes.c.status == PassStatus.OPEN,
        )
        .values(status=status, last_decision=told, updated_at=now, finished_at=finished)
    )
    return ended.rowcount == 1


def replace_suspects(connection: Connection, pass_id: int, current: Sequence[Suspect]) -> None:
    """Store these suspects in place of those before."""
    connection.execute(suspects.delete().where(suspects.c.pass_id == pass_id))
    rows = [
        {
            "pass_id": pass_id,
            "item_key": encode_key(suspect.key),
            "held": suspect.held,
            "undecided": suspect.undecided,
            "kind": suspect.kind,
        }
        for suspect in current
    ]
    insert_all(connection, suspects, rows)


def _suspects_of(connection: Connection, pass_id: int) -> tuple[Suspect, ...]:
    rows = connection.execute(select(suspects).where(suspects.c.pass_id == pass_id))
    return tuple(
        Suspect(decode_key(row.item_key), row.held, row.undecided, OutcomeKind(row.kind))
        for row in rows
    )
