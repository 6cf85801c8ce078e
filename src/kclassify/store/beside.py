"""A step that people take beside the workers of a run."""

from __future__ import annotations

from sqlalchemy import Connection, select

from kclassify.holder import this_holder
from kclassify.ports import Mode, Pass, PassRequest
from kclassify.store import steps
from kclassify.store.call_tables import steps as step_table
from kclassify.store.tables import passes, runs
from kclassify.store.text import storable


def step_beside(connection: Connection, run: str, told: str, now: float) -> Pass | None:
    """The latest pass of a run as of now, with a step that has ended: no worker holds it."""
    query = (
        select(passes)
        .join(runs, runs.c.id == passes.c.run_id)
        .where(runs.c.name == run)
        .order_by(passes.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    opened = Pass(row.id, run, Mode(row.mode), row.number, row.version, this_holder())
    request = PassRequest(run, opened.mode, row.fingerprint, row.model, row.source)
    opened = steps.begin(connection, row.run_id, opened, request, now)
    ended = {"ended_at": now, "decision": storable(told)}
    ours = step_table.c.id == opened.step
    connection.execute(step_table.update().where(ours).values(ended))
    return opened
