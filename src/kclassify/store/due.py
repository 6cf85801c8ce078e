"""Steps that somebody is to take and nobody does: what a job system is asked to enqueue again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, func, or_, select

from kclassify.core.states import RESUMABLE
from kclassify.store.tables import passes, runs, shards


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step of a pass in one piece, or of the shard of this number; what its job carries."""

    run: str
    number: int
    shard: int | None
    job: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """`fresh_s` is for how long after its last sign of life a step is left alone, in seconds.

    A step that was never enqueued is due at once. `now` is Unix time.
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
    wanted = _jobs(search).with_only_columns(passes.c.run_id).order_by(None)
    query = select(runs.c.id).where(runs.c.id.in_(wanted)).order_by(runs.c.id)
    connection.execute(query.with_for_update(key_share=True))


def _claimed_passes(connection: Connection, search: Search) -> Iterator[DueStep]:
    columns = (runs.c.lease_holder, runs.c.lease_expires_at)
    query = _jobs(search, *columns).where(passes.c.parts == 0, _is_silent(passes, search))
    for row in connection.execute(query).all():
        ours = and_(passes.c.id == row.id, _is_silent(passes, search))
        if not _is_held(row, search) and _claim(connection, passes, ours, search.now):
            yield DueStep(row.name, row.number, None, row.job)


def _claimed_shards(connection: Connection, search: Search) -> Iterator[DueStep]:
    columns = (shards.c.lease_holder, shards.c.lease_expires_at)
    parts = (shards.c.id.label("shard_id"), shards.c.number.label("shard"))
    query = (
        _jobs(search, *columns, *parts)
        .join(shards, shards.c.pass_id == passes.c.id)
        .where(shards.c.status.in_(RESUMABLE), _is_silent(shards, search))
        .order_by(shards.c.number)
    )
    for row in connection.execute(query).all():
        ours = and_(shards.c.id == row.shard_id, _is_silent(shards, search))
        if not _is_held(row, search) and _claim(connection, shards, ours, search.now):
            yield DueStep(row.name, row.number, row.shard, row.job)


def _jobs(search: Search, *columns: ColumnElement[Any]) -> Select[Any]:
    query = (
        select(runs.c.name, passes.c.id, passes.c.number, passes.c.job, *columns)
        .join(passes, passes.c.run_id == runs.c.id)
        .where(passes.c.status.in_(RESUMABLE), passes.c.job.is_not(None))
        .order_by(passes.c.id)
    )
    return query if search.run is None else query.where(runs.c.name == search.run)


def _is_silent(table: Table, search: Search) -> ColumnElement[bool]:
    """Whether it is due and nobody was heard of for long enough, or it was never enqueued."""
    columns, since = table.c, search.now - search.fresh_s
    kicked = func.coalesce(columns.kicked_at, 0.0)
    is_quiet = and_(columns.next_step_at <= since, columns.updated_at <= since, kicked <= since)
    is_new = and_(columns.kicked_at.is_(None), columns.next_step_at <= search.now)
    return or_(is_new, is_quiet)


def _is_held(row: Row[Any], search: Search) -> bool:
    holder: str | None = row.lease_holder
    return holder is not None and row.lease_expires_at > search.now and search.is_alive(holder)


def release(connection: Connection, step: DueStep) -> None:
    """The step could not be enqueued: the next to ask gets it at once."""
    wanted = (
        select(passes.c.id)
        .join(runs, runs.c.id == passes.c.run_id)
        .where(runs.c.name == step.run, passes.c.number == step.number)
    )
    ours: ColumnElement[bool] = passes.c.id.in_(wanted)
    table = passes
    if step.shard is not None:
        ours = and_(shards.c.pass_id.in_(wanted), shards.c.number == step.shard)
        table = shards
    connection.execute(table.update().where(ours).values(kicked_at=None))


def _claim(connection: Connection, table: Table, ours: ColumnElement[bool], now: float) -> bool:
    claimed = connection.execute(table.update().where(ours).values(kicked_at=now))
    return bool(claimed.rowcount == 1)
