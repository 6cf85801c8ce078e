"""The rows of batches: planned, sent, over. Who locks one of them locks it before its requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    case,
    distinct,
    exists,
    func,
    or_,
    select,
    update,
)

from kclassify.core.batch import (
    Batch,
    BatchPlan,
    BatchStatus,
    PlannedRequest,
    RemoteBatch,
    Standing,
)
from kclassify.core.item import decode_bound, encode_bound
from kclassify.ports import Pass
from kclassify.store.call_tables import batches, requests, steps
from kclassify.store.insert import insert_all
from kclassify.store.places import shard_number
from kclassify.store.tables import passes, runs, verdicts

UNREAD = (BatchStatus.INTENT, BatchStatus.SENT, BatchStatus.ENDED)
"""The states of a batch that is not over."""
_GROUP = 2_000
"""Requests of one insert."""


def standing(connection: Connection, opened: Pass) -> Standing:
    """The batches of a pass or its shard that are not over, and how far items were planned."""
    ours = _are_of(opened, batches)
    in_order = select(batches).where(ours).order_by(batches.c.id)
    unread = connection.execute(in_order.where(batches.c.status.in_(UNREAD)))
    last = connection.execute(_last_plan(ours)).one_or_none()
    return Standing(
        tuple(batch_of(row) for row in unread),
        None if last is None else decode_bound(last.reached),
        last is not None and last.is_all,
        connection.scalar(_again(opened)) or 0,
    )


def unread(connection: Connection, run: str) -> tuple[Batch, ...]:
    """The batches of all passes of a run that are not over, in the order of their plans."""
    query = (
        select(batches, passes.c.model)
        .join(runs, runs.c.id == batches.c.run_id)
        .join(passes, passes.c.id == batches.c.pass_id)
        .where(runs.c.name == run, batches.c.status.in_(UNREAD))
        .order_by(batches.c.id)
    )
    return tuple(replace(batch_of(row), model=row.model) for row in connection.execute(query))


def add(connection: Connection, opened: Pass, plan: BatchPlan, now: float) -> Batch:
    """Insert a batch and its requests; what is held for it is no longer held by the step."""
    asked = {request.digest: request for request in plan.requests}
    its_pass = connection.execute(select(passes).where(passes.c.id == opened.id)).one()
    values = {
        "run_id": its_pass.run_id,
        "pass_id": opened.id,
        "shard": shard_number(opened),
        "fingerprint": its_pass.fingerprint,
        "status": BatchStatus.INTENT,
        "nonce": plan.nonce,
        "requests": len(asked),
        "reached": encode_bound(plan.reached),
        "is_all": plan.is_all,
        "intended_at": now,
        "held": plan.held,
    }
    row = connection.execute(batches.insert().returning(batches), values).one()
    _add_requests(connection, row, [asked[digest] for digest in sorted(asked)])
    held = {"held": no_longer_held(steps, plan.held)}
    connection.execute(steps.update().where(steps.c.id == opened.step).values(held))
    return batch_of(row)


def _add_requests(connection: Connection, batch: Row[Any], asked: Sequence[PlannedRequest]) -> None:
    of_batch = {"batch_id": batch.id, "pass_id": batch.pass_id, "shard": batch.shard}
    for start in range(0, len(asked), _GROUP):
        group = asked[start : start + _GROUP]
        insert_all(connection, requests, [of_batch | _values(each) for each in group])


def _values(request: PlannedRequest) -> dict[str, Any]:
    return {
        "item_digest": request.digest,
        "worst": request.worst,
        "body_chars_cut": request.body_chars_cut,
    }


def no_longer_held(table: Table, amount: int | BindParameter[int]) -> ColumnElement[int]:
    """What a step or a batch holds without this: never less than nothing."""
    return case((table.c.held > amount, table.c.held - amount), else_=0)


def tell(connection: Connection, batch: Batch, remote: RemoteBatch, now: float) -> Batch:
    """Store what the provider told of a batch that is not over; the batch as it is now."""
    values: dict[str, Any] = {"remote_id": remote.id, "polled_at": now}
    if remote.expires_at is not None:
        values["expires_at"] = remote.expires_at
    before = UNREAD if remote.is_ended else (BatchStatus.INTENT, BatchStatus.SENT)
    status = BatchStatus.ENDED if remote.is_ended else BatchStatus.SENT
    _change(connection, batch, before, values | {"status": status})
    return batch_of(connection.execute(select(batches).where(batches.c.id == batch.id)).one())


def end(connection: Connection, batch: Batch, now: float) -> bool:
    """All its results are read: nothing is held for it; False when it is over already."""
    return _change(connection, batch, UNREAD, {"status": BatchStatus.READ} | _over(now))


def lose(connection: Connection, batch: Batch, now: float) -> bool:
    """The provider never got it: its items are looked at again; False when it did get it."""
    return _give_up(connection, batch, (BatchStatus.INTENT,), now)


def forget(connection: Connection, batch: Batch, now: float) -> int:
    """Nobody will read it: what is not answered is looked at again; what that can have cost."""
    # Whoever reads it waits here, and finds no request that waits for an answer.
    lock = select(batches).where(batches.c.id == batch.id).with_for_update()
    held = int(connection.execute(lock).one().held)
    waiting = requests.c.batch_id == batch.id, requests.c.kind.is_(None)
    worst = connection.scalar(select(func.coalesce(func.sum(requests.c.worst), 0)).where(*waiting))
    is_given_up = _give_up(connection, batch, UNREAD, now)
    return (held or int(worst or 0)) if is_given_up else 0


def _give_up(
    connection: Connection, batch: Batch, before: tuple[BatchStatus, ...], now: float
) -> bool:
    values = {"status": BatchStatus.LOST} | _over(now)
    if not _change(connection, batch, before, values):
        return False
    waiting = requests.c.batch_id == batch.id, requests.c.kind.is_(None)
    connection.execute(requests.delete().where(*waiting))
    _look_again(connection, batch)
    return True


def _over(now: float) -> dict[str, Any]:
    return {"over_at": now, "held": 0}


def _change(
    connection: Connection, batch: Batch, before: tuple[BatchStatus, ...], values: dict[str, Any]
) -> bool:
    is_so = and_(batches.c.id == batch.id, batches.c.status.in_(before))
    changed = connection.execute(batches.update().where(is_so).values(values))
    return changed.rowcount == 1


def _look_again(connection: Connection, lost: Batch) -> None:
    """Plans from the lost one on reach no further than the plan before it."""
    row = connection.execute(select(batches).where(batches.c.id == lost.id)).one()
    alike = and_(batches.c.pass_id == row.pass_id, batches.c.shard == row.shard)
    last = connection.execute(_last_plan(and_(alike, batches.c.id < lost.id))).one_or_none()
    reach = (None, False) if last is None else (last.reached, last.is_all)
    from_here = and_(alike, batches.c.id >= lost.id)
    values = dict(zip(("reached", "is_all"), reach, strict=True))
    connection.execute(update(batches).where(from_here).values(values))


def _last_plan(ours: ColumnElement[bool]) -> Select[Any]:
    return select(batches).where(ours).order_by(batches.c.id.desc()).limit(1)


def _again(opened: Pass) -> Select[Any]:
    """Counts the items that no request waits for or has settled, and that have no verdict."""
    other = requests.alias()
    is_open = and_(
        other.c.pass_id == opened.id,
        other.c.item_digest == requests.c.item_digest,
        or_(other.c.kind.is_(None), other.c.is_final),
    )
    fingerprint = select(passes.c.fingerprint).where(passes.c.id == opened.id)
    has_verdict = and_(
        verdicts.c.item_digest == requests.c.item_digest,
        verdicts.c.fingerprint == fingerprint.scalar_subquery(),
    )
    return select(func.count(distinct(requests.c.item_digest))).where(
        _are_of(opened, requests),
        requests.c.kind.is_not(None),
        requests.c.is_final.is_(False),
        ~exists().where(is_open),
        ~exists().where(has_verdict),
    )


def _are_of(opened: Pass, table: Table) -> ColumnElement[bool]:
    """What is from before a pass was cut is for its first shard."""
    number = shard_number(opened)
    numbers = (0, 1) if number == 1 else (number,)
    return and_(table.c.pass_id == opened.id, table.c.shard.in_(numbers))


def batch_of(row: Row[Any]) -> Batch:
    """The batch of a row."""
    return Batch(
        id=row.id,
        status=BatchStatus(row.status),
        requests=row.requests,
        intended_at=row.intended_at,
        nonce=row.nonce,
        remote_id=row.remote_id,
        expires_at=row.expires_at,
        polled_at=row.polled_at,
        held=row.held,
        pass_id=row.pass_id,
        fingerprint=row.fingerprint,
    )
