"""Steps that somebody is to take and nobody does: what a job system is asked to enqueue again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, select

from kclassify.core.states import RESUMABLE
from kclassify.store.tables import passes, runs, shards

MOST_DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step of a pass in one piece, or of the shard of this number; what its job carries.

    `ticket` is that of the job: where chains of jobs meet, the one with the highest goes on.
    """

    run: str
    number: int
    shard: int | None
    ticket: int
    job: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """`fresh_s` is for how long after its last sign of life a step is left alone, in seconds.

    A step that was never enqueued is due at once. Jobs that were enqueued and not seen yet double
    that time, each of them: a queue may be long. `now` is Unix time.
    """

    now: float
    fresh_s: float
    is_alive: Callable[[str], bool]
    run: str | None = None


def claim_due(connection: Connection, search: Search) -> list[DueStep]:
    """The steps that are due, each given to one caller only: it enqueues them.

    Those of passes that were started as jobs, whose worker has ended or fallen silent.
    """
    _lock_runs(connection, search)
    return [*_claimed_passes(connection, search), *_claimed_shards(connection, search)]


def _lock_runs(connection: Connection, search: Search) -> None:
    """A run comes before its passes and shards, always: no deadlock with who opens or cuts one."""
    wanted = select(passes.c.run_id).where(
        passes.c.status.in_(RESUMABLE), passes.c.job.is_not(None)
    )
    query = select(runs.c.id).where(runs.c.id.in_(wanted)).order_by(runs.c.id)
    query = query if search.run is None else query.where(runs.c.name == search.run)
    connection.execute(query.with_for_update(key_share=True))


def _claimed_passes(connection: Connection, search: Search) -> Iterator[DueStep]:
    lease = (runs.c.lease_holder, runs.c.lease_expires_at)
    query = _jobs(search, passes, *lease).where(passes.c.parts == 0)
    for row in connection.execute(query).all():
        if _is_due(row, search) and _claim(connection, passes, row, search.now):
            yield DueStep(row.name, row.pass_number, None, row.ticket + 1, row.job)


def _claimed_shards(connection: Connection, search: Search) -> Iterator[DueStep]:
    lease = (shards.c.lease_holder, shards.c.lease_expires_at)
    query = (
        _jobs(search, shards, *lease, shards.c.number.label("shard"))
        .join(shards, shards.c.pass_id == passes.c.id)
        .where(shards.c.status.in_(RESUMABLE))
        .order_by(shards.c.number)
    )
    for row in connection.execute(query).all():
        if _is_due(row, search) and _claim(connection, shards, row, search.now):
            yield DueStep(row.name, row.pass_number, row.shard, row.ticket + 1, row.job)


def _jobs(search: Search, place: Table, *columns: ColumnElement[Any]) -> Select[Any]:
    """The passes that are worked on by jobs, with what moves in `place`."""
    names = ("id", "next_step_at", "kicked_at", "updated_at", "ticket", "ticket_seen")
    query = (
        select(
            runs.c.name,
            passes.c.number.label("pass_number"),
            passes.c.job,
            *(place.c[name] for name in names),
            *columns,
        )
        .join(passes, passes.c.run_id == runs.c.id)
        .where(passes.c.status.in_(RESUMABLE), passes.c.job.is_not(None))
        .where(place.c.next_step_at <= search.now)
        .order_by(passes.c.id)
    )
    return query if search.run is None else query.where(runs.c.name == search.run)


def _is_due(row: Row[Any], search: Search) -> bool:
    """Whether nobody was heard of for long enough, or it was never enqueued."""
    holder: str | None = row.lease_holder
    if holder is not None and row.lease_expires_at > search.now and search.is_alive(holder):
        return False
    if row.kicked_at is None:
        return True
    waiting = min(max(0, row.ticket - row.ticket_seen - 1), MOST_DOUBLINGS)
    last = max(row.next_step_at, row.updated_at, row.kicked_at)
    return bool(search.now - last >= search.fresh_s * 2**waiting)


def _claim(connection: Connection, place: Table, row: Row[Any], now: float) -> bool:
    ours = and_(
        place.c.id == row.id,
        place.c.ticket == row.ticket,
        place.c.kicked_at.is_not_distinct_from(row.kicked_at),
    )
    moved = {"kicked_at": now, "ticket": row.ticket + 1}
    return connection.execute(place.update().where(ours).values(moved)).rowcount == 1


def release(connection: Connection, step: DueStep) -> None:
    """The step could not be enqueued: the next to ask gets it at once."""
    wanted = (
        select(passes.c.id)
        .join(runs, runs.c.id == passes.c.run_id)
        .where(runs.c.name == step.run, passes.c.number == step.number)
    )
    ours: ColumnElement[bool] = passes.c.id.in_(wanted)
    place = passes
    if step.shard is not None:
        ours = and_(shards.c.pass_id.in_(wanted), shards.c.number == step.shard)
        place = shards
    connection.execute(
        place.update().where(ours, place.c.ticket == step.ticket).values(kicked_at=None)
    )
