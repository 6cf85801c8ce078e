"""What the ledger tells people of the steps of a pass."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from kclassify.core.spending import Charge
from kclassify.store.call_tables import steps
from kclassify.store.spent import charge_of
from kclassify.store.tables import passes


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step of a pass, in the order in which they began: `number` counts from 1.

    `shard` is 0 where the pass was not divided. One without `ended_at` is worked on, or its worker
    died: what it holds (nanodollars) may be on the bill. Times are Unix seconds.
    """

    number: int
    shard: int
    holder: str
    model: str
    fingerprint: str
    began_at: float
    ended_at: float | None
    last_call_at: float | None
    decision: str | None
    charge: Charge
    held: int


def step_reports(connection: Connection, run_id: int, number: int) -> tuple[StepReport, ...]:
    """The steps of the pass of this number; none of a pass that is not there."""
    query = (
        select(steps)
        .join(passes, passes.c.id == steps.c.pass_id)
        .where(steps.c.run_id == run_id, passes.c.number == number)
        .order_by(steps.c.id)
    )
    return tuple(
        StepReport(
            number=count,
            shard=row.shard,
            holder=row.holder,
            model=row.model,
            fingerprint=row.fingerprint,
            began_at=row.began_at,
            ended_at=row.ended_at,
            last_call_at=row.last_call_at,
            decision=row.decision,
            charge=charge_of(row),
            held=row.held,
        )
        for count, row in enumerate(connection.execute(query), 1)
    )


@dataclass(frozen=True, slots=True)
class LatestSteps:
    """When the step of a pass ended that ended last, None where none did.

    `is_gone_on_with` says whether another one began since that has not ended. Unix seconds.
    """

    ended_at: float | None
    is_gone_on_with: bool


def latest_steps(connection: Connection, run_id: int, pass_id: int) -> LatestSteps:
    """Those of a pass; of one without steps there is nothing to tell."""
    ours = (steps.c.run_id == run_id) & (steps.c.pass_id == pass_id)
    ended = connection.scalar(select(func.max(steps.c.ended_at)).where(ours))
    opened = connection.scalar(
        select(func.max(steps.c.began_at)).where(ours, steps.c.ended_at.is_(None))
    )
    return LatestSteps(ended, opened is not None and opened >= (ended or 0))


def step_count(connection: Connection, run_id: int, pass_id: int) -> int:
    """How many steps a pass has had."""
    ours = (steps.c.run_id == run_id) & (steps.c.pass_id == pass_id)
    query = select(func.count()).select_from(steps).where(ours)
    return connection.scalar(query) or 0
