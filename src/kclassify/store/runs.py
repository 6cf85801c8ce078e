"""The row of a run: its lease, and the fence that moves with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, select

from kclassify.core.states import RESUMABLE
from kclassify.errors import UsageError
from kclassify.holder import described
from kclassify.ports import Pass
from kclassify.store.insert import insert_or_ignore
from kclassify.store.places import is_leased_by, is_row_of, lease_place_of, place_of
from kclassify.store.tables import passes, runs, shards


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker that asks for the lease, and how to find out that its present holder has died."""

    holder: str
    now: float
    lease_s: float
    is_alive: Callable[[str], bool]


def find(connection: Connection, name: str) -> Row[Any]:
    """The run of this name. Raises `UsageError`, which lists the runs there are."""
    row = connection.execute(select(runs).where(runs.c.name == name)).one_or_none()
    if row is None:
        raise unknown_run(connection, name)
    return row


def unknown_run(connection: Connection, name: str) -> UsageError:
    """The error that says which runs there are."""
    names = connection.scalars(select(runs.c.name).order_by(runs.c.created_at.desc()).limit(10))
    return no_such_run(name, list(names))


def no_such_run(name: str, known: list[str]) -> UsageError:
    """The error for a run that is not in the ledger."""
    verb = "is" if len(known) == 1 else "are"
    there = f"there {verb} {', '.join(known)}" if known else "there is none yet"
    return UsageError(f"the ledger has no run named {name!r}: {there}")


def find_or_create(connection: Connection, name: str, source: str, now: float) -> Row[Any]:
    """The run of this name, its row locked until the transaction ends."""
    connection.execute(
        insert_or_ignore(connection, runs),
        {
            "name": name,
            "source": source,
            "created_at": now,
            "lease_number": 0,
            "lease_expires_at": 0.0,
        },
    )
    return lock(connection, name)


def held_by(name: str, holder: str) -> UsageError:
    """The error for a run that another worker holds."""
    return UsageError(f"run {name!r} is held by {described(holder)}: stop it, or wait for it")


def lock(connection: Connection, name: str) -> Row[Any]:
    """Lock the row of a run until the transaction ends: before the rows of its passes, always.

    Who inserts a row that refers to the run does not wait for this lock.
    """
    query = select(runs).where(runs.c.name == name)
    return connection.execute(query.with_for_update(key_share=True)).one()


def take_lease(connection: Connection, name: str, claim: Claim) -> str | None:
    """Take the lease of a whole run, or say who holds it or one of its shards.

    Every worker before is fenced off.
    """
    row = lock(connection, name)
    rival = rival_of(connection, row, claim)
    if rival is not None:
        return rival
    connection.execute(
        runs.update()
        .where(runs.c.id == row.id)
        .values(lease_holder=claim.holder, lease_expires_at=claim.now + claim.lease_s)
    )
    count_opening(connection, row.id)
    fence_off(connection, row.id)
    return None


def rival_of(
    connection: Connection, row: Row[Any], claim: Claim, but_pass: int | None = None
) -> str | None:
    """Who holds the lease of this run or of a shard, alive and not the one who asks.

    The shards of `but_pass` are left out: its other workers are no rivals.
    """
    if holds(row, claim):
        return str(row.lease_holder)
    query = (
        select(shards.c.lease_holder, shards.c.lease_expires_at)
        .join(passes, passes.c.id == shards.c.pass_id)
        .where(passes.c.run_id == row.id, shards.c.lease_expires_at > claim.now)
    )
    if but_pass is not None:
        query = query.where(passes.c.id != but_pass)
    held = (each for each in connection.execute(query) if holds(each, claim))
    return next((str(each.lease_holder) for each in held), None)


def holds(row: Row[*tuple[Any, ...]], claim: Claim) -> bool:
    """Whether this lease is held by somebody who lives and is not the one who asks."""
    holder: str | None = row.lease_holder
    if holder is None or holder == claim.holder or row.lease_expires_at <= claim.now:
        return False
    return claim.is_alive(holder)


def count_opening(connection: Connection, run_id: int) -> None:
    """One more time that a worker took the lease of this run, or of a shard."""
    connection.execute(
        runs.update().where(runs.c.id == run_id).values(lease_number=runs.c.lease_number + 1)
    )


def fence_off(connection: Connection, run_id: int, but_pass: int | None = None) -> None:
    """Fence every worker off that works on another pass than `but_pass`."""
    ours = and_(passes.c.run_id == run_id, passes.c.status.in_(RESUMABLE))
    if but_pass is not None:
        ours = and_(ours, passes.c.id != but_pass)
    parts = and_(
        shards.c.pass_id.in_(select(passes.c.id).where(ours, passes.c.parts > 0)),
        shards.c.status.in_(RESUMABLE),
    )
    for table, condition in ((shards, parts), (passes, ours)):
        moved = table.c.version + 1
        connection.execute(
            table.update().where(condition).values(version=moved, version_at_open=moved)
        )


def prolong_lease(connection: Connection, opened: Pass, expires_at: float) -> bool:
    """Move the end of the lease; False when it is no longer that of `opened`."""
    place = lease_place_of(opened)
    if opened.shard is None:
        lock(connection, opened.run)
    held = connection.execute(
        place.update().where(_is_held_by(opened)).values(lease_expires_at=expires_at)
    )
    return held.rowcount == 1


def release_lease(connection: Connection, opened: Pass) -> None:
    """Let the lease go, for a worker whose pass nobody opened since and who locked its row."""
    connection.execute(
        lease_place_of(opened)
        .update()
        .where(is_leased_by(opened))
        .values(lease_holder=None, lease_expires_at=0.0)
    )


def holder_of(connection: Connection, opened: Pass) -> str | None:
    """Who holds the lease of this pass or shard, or of the whole run."""
    place = lease_place_of(opened)
    row = runs.c.name == opened.run if opened.shard is None else is_row_of(opened)
    holder = connection.scalar(select(place.c.lease_holder).where(row))
    if holder is None and opened.shard is not None:
        return connection.scalar(select(runs.c.lease_holder).where(runs.c.name == opened.run))
    return holder


def _is_held_by(opened: Pass) -> ColumnElement[bool]:
    """Whether nobody opened it since: not even this holder, for another pass or again."""
    since = and_(is_row_of(opened), place_of(opened).c.version_at_open <= opened.version)
    if opened.shard is None:
        since = exists().where(since)
    return and_(is_leased_by(opened), since)
