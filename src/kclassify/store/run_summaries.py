"""The list of runs, each with its latest pass."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, select

from kclassify.core.states import PassStatus
from kclassify.ports import Mode
from kclassify.store.passes import settled_in_all
from kclassify.store.tables import passes, runs


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in the list of runs, and its latest pass. Times are Unix seconds."""

    name: str
    source: str
    created_at: float
    passes: int
    mode: Mode
    status: PassStatus
    settled: int
    updated_at: float


def summaries(connection: Connection) -> list[RunSummary]:
    """The runs, newest first."""
    each = passes.alias()
    last = select(func.max(each.c.number)).where(each.c.run_id == runs.c.id)
    query = (
        select(runs, passes, settled_in_all().label("in_all"))
        .join(passes, passes.c.run_id == runs.c.id)
        .where(passes.c.number == last.scalar_subquery())
        .order_by(runs.c.created_at.desc(), runs.c.id.desc())
    )
    return [_summary(row) for row in connection.execute(query).mappings()]


def _summary(row: RowMapping) -> RunSummary:
    return RunSummary(
        name=row[runs.c.name],
        source=row[runs.c.source],
        created_at=row[runs.c.created_at],
        passes=row[passes.c.number],
        mode=Mode(row[passes.c.mode]),
        status=PassStatus(row[passes.c.status]),
        settled=row["in_all"],
        updated_at=row[passes.c.updated_at],
    )
