"""Counts over one pass, for those who read the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from kclassify.core.policy import Action
from kclassify.core.states import ChangeStatus
from kclassify.core.verdict import OutcomeKind, Usage
from kclassify.store.tables import changes, tallies, verdicts


@dataclass(frozen=True, slots=True)
class Transition:
    """How many items went from one label to another, or would, or stayed, and why."""

    before: str | None
    after: str
    action: Action
    count: int


def transitions(connection: Connection, pass_id: int) -> tuple[Transition, ...]:
    """The transitions of a pass, the most frequent first. Items that got no label have none."""
    query = select(tallies).where(tallies.c.pass_id == pass_id, tallies.c.after != "")
    counted: Counter[tuple[str | None, str, str]] = Counter()
    for row in connection.execute(query).mappings():
        before = row["before"] if row["labelled"] else None
        counted[before, row["after"], row["action"]] += row["count"]
    found = [Transition(b, a, Action(action), n) for (b, a, action), n in counted.items()]
    return tuple(sorted(found, key=lambda t: (-t.count, t.before or "", t.after, t.action)))


def outcome_counts(connection: Connection, pass_id: int) -> dict[OutcomeKind, int]:
    """The items of a pass by kind of outcome, the most frequent first."""
    total = func.sum(tallies.c["count"])
    query = (
        select(tallies.c.kind, total)
        .where(tallies.c.pass_id == pass_id)
        .group_by(tallies.c.kind)
        .order_by(total.desc(), tallies.c.kind)
    )
    return {OutcomeKind(kind): int(count) for kind, count in connection.execute(query)}


def change_counts(connection: Connection, pass_id: int) -> dict[ChangeStatus, int]:
    """The audit of a pass by status."""
    query = (
        select(changes.c.status, func.count())
        .where(changes.c.pass_id == pass_id)
        .group_by(changes.c.status)
        .order_by(changes.c.status)
    )
    return {ChangeStatus(status): int(count) for status, count in connection.execute(query)}


def usage(connection: Connection, found: Row[Any]) -> Usage:
    """Tokens of the verdicts that the classifier of this pass gave while the pass was open.

    One scan of the verdicts: a join with the outcomes takes seconds on a large corpus.
    """
    until = float("inf") if found.finished_at is None else found.finished_at
    query = select(
        func.sum(verdicts.c.input_tokens),
        func.sum(verdicts.c.output_tokens),
        func.sum(verdicts.c.cache_write_tokens),
        func.sum(verdicts.c.cache_read_tokens),
    ).where(
        verdicts.c.fingerprint == found.fingerprint,
        verdicts.c.recorded_at.between(found.started_at, until),
    )
    return Usage(*(int(total or 0) for total in connection.execute(query).one()))
