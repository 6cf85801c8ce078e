"""The row of a run's breaker: the outage, as all workers of the run share it.

It is not in the row of the run, which each worker locks to take, prolong or end its lease: who
checkpoints need not wait for those. It is locked by who changes it only, and after the rows of the
run and of its pass, always.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, Select, select

from kclassify.core.availability import Breaker
from kclassify.core.shared_breaker import merged
from kclassify.ports import Pass
from kclassify.store.insert import insert_or_ignore
from kclassify.store.tables import breakers, passes, runs


def find_or_create(connection: Connection, run_id: int) -> Breaker:
    """The breaker of a run whose row is locked."""
    connection.execute(
        insert_or_ignore(connection, breakers), {"run_id": run_id, **_values(Breaker())}
    )
    return of_run(connection, run_id)


def of_run(connection: Connection, run_id: int) -> Breaker:
    """The breaker of a run; a closed one where no worker has opened the run."""
    return _breaker(connection.execute(_row(run_id)).one_or_none())


def named(connection: Connection, run: str) -> Breaker:
    """The breaker of the run of this name; a closed one where there is no such run."""
    query = select(breakers).join(runs, runs.c.id == breakers.c.run_id).where(runs.c.name == run)
    return _breaker(connection.execute(query).one_or_none())


def lock(connection: Connection, run_id: int) -> None:
    """Lock the row that the workers of a run share, until the transaction ends."""
    connection.execute(_row(run_id).with_for_update())


def merge(connection: Connection, opened: Pass, held: Breaker) -> Breaker:
    """Store what a worker holds, with what the others stored since it looked; what is there now."""
    its_run = select(passes.c.run_id).where(passes.c.id == opened.id)
    if held == opened.breaker:
        return _breaker(connection.execute(_row(its_run.scalar_subquery())).one_or_none())
    run_id = connection.execute(its_run).scalar_one()
    stored = _breaker(connection.execute(_row(run_id).with_for_update()).one())
    now_stored = merged(opened.breaker, held, stored)
    if now_stored != stored:
        connection.execute(
            breakers.update().where(breakers.c.run_id == run_id).values(_values(now_stored))
        )
    return now_stored


def _row(run_id: int | ScalarSelect[int]) -> Select[Any]:
    return select(breakers).where(breakers.c.run_id == run_id)


def _breaker(row: Row[Any] | None) -> Breaker:
    if row is None:
        return Breaker()
    return Breaker(row.snoozes, row.snooze_until, row.snooze_seconds, row.outage_since)


def _values(breaker: Breaker) -> dict[str, Any]:
    return {
        "snoozes": breaker.snoozes,
        "snooze_until": breaker.until,
        "snooze_seconds": breaker.seconds,
        "outage_since": breaker.outage_since,
    }
