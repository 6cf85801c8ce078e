"""What a run has spent and holds, and how a worker comes to hold more of its budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from kclassify.core.spending import Charge, Hold, Spending
from kclassify.core.verdict import Usage
from kclassify.ports import Pass
from kclassify.store import breakers
from kclassify.store.call_tables import batches, steps
from kclassify.store.tables import passes, runs, shards

_SUMMED = (
    "calls",
    "questions",
    "seconds",
    "input_tokens",
    "output_tokens",
    "cache_write_tokens",
    "cache_read_tokens",
    "cost",
    "unpriced",
    "uncertain",
    "held",
)


def spending(connection: Connection, run_id: int, pass_id: int | None = None) -> Spending:
    """What a run has spent and holds, or one pass of it."""
    sums = (_sum(steps.c[name]).label(name) for name in _SUMMED)
    row = connection.execute(_totals(run_id, pass_id, *sums)).one()
    return Spending(charge_of(row), int(row.held) + int(row.in_batches))


def spending_of(connection: Connection, run: str) -> Spending:
    """What the run of this name has spent and holds; nothing where there is no such run."""
    run_id = connection.scalar(select(runs.c.id).where(runs.c.name == run))
    return Spending() if run_id is None else spending(connection, run_id)


def _most(connection: Connection, run_id: int) -> int:
    """What `Spending.most` is, without the rest: it is asked for again and again."""
    all_of_it = _sum(steps.c.cost + steps.c.uncertain + steps.c.held).label("in_steps")
    row = connection.execute(_totals(run_id, None, all_of_it)).one()
    return int(row.in_steps) + int(row.in_batches)


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(column), 0)


def _totals(run_id: int, pass_id: int | None, *sums: ColumnElement[Any]) -> Select[Any]:
    """Sums over steps, and what is held `in_batches`.

    One statement, so one snapshot: what moves from a step to a batch, or back, is met once.
    """
    in_batches = select(_sum(batches.c.held)).where(batches.c.run_id == run_id)
    query = select(*sums).where(steps.c.run_id == run_id)
    if pass_id is not None:
        in_batches = in_batches.where(batches.c.pass_id == pass_id)
        query = query.where(steps.c.pass_id == pass_id)
    return query.add_columns(in_batches.scalar_subquery().label("in_batches"))


def charge_of(row: Row[Any]) -> Charge:
    """What the columns of a step, or their sums, tell."""
    return Charge(
        int(row.calls),
        float(row.seconds),
        Usage(
            int(row.input_tokens),
            int(row.output_tokens),
            int(row.cache_write_tokens),
            int(row.cache_read_tokens),
        ),
        int(row.cost),
        int(row.unpriced),
        int(row.uncertain),
        int(row.questions),
    )


def reserve(
    connection: Connection,
    opened: Pass,
    asked: tuple[int, int],
    now: float,
    is_alive: Callable[[str], bool],
) -> Hold:
    """Hold so much for calls of this step, or what there is; `asked` is the budget, and that.

    What it holds beyond that is free. A step that has ended gets nothing: nobody would let it go.
    """
    budget, wanted = asked
    run_id = connection.execute(
        select(passes.c.run_id).where(passes.c.id == opened.id)
    ).scalar_one()
    breakers.lock(connection, run_id)
    left = max(0, budget - _most(connection, run_id))
    ours = (steps.c.id == opened.step) & steps.c.ended_at.is_(None)
    before = connection.scalar(select(steps.c.held).where(ours)) or 0
    most = steps.c.held + left
    change = steps.update().where(ours).values(held=case((most < wanted, most), else_=wanted))
    held = connection.scalar(change.returning(steps.c.held)) or 0
    others = _others_hold(connection, run_id, opened, now, is_alive)
    return Hold(held, left + before - held, others)


def _others_hold(
    connection: Connection,
    run_id: int,
    opened: Pass,
    now: float,
    is_alive: Callable[[str], bool],
) -> bool:
    """Whether a batch of the pass holds some, or the step of a worker that lives and has its place.

    Whoever works on the pass comes to read its batches; nobody may come for those of another one.
    """
    of_pass = batches.c.pass_id == opened.id, batches.c.held > 0
    held = select(batches.c.id).where(*of_pass).limit(1)
    if connection.scalar(held) is not None:
        return True
    in_run = steps.c.shard == 0
    query = (
        select(
            steps,
            case((in_run, runs.c.lease_holder), else_=shards.c.lease_holder).label("has_it"),
            case((in_run, runs.c.lease_expires_at), else_=shards.c.lease_expires_at).label("until"),
        )
        .join(runs, runs.c.id == steps.c.run_id)
        .outerjoin(
            shards, (shards.c.pass_id == steps.c.pass_id) & (shards.c.number == steps.c.shard)
        )
        .where(steps.c.run_id == run_id, steps.c.ended_at.is_(None))
        .order_by(steps.c.id)
    )
    # Whoever came to a place last is the one that may have it: an earlier step is a dead one's.
    last = {(row.shard and row.pass_id, row.shard): row for row in connection.execute(query)}
    return any(
        row.held > 0
        and row.id != opened.step
        and row.holder == row.has_it
        and row.until > now
        and is_alive(row.holder)
        for row in last.values()
    )
