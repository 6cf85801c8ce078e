"""What the ledger tells people: runs, passes, failures, the audit. Plain data, read only."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select

from kclassify.core.availability import Breaker
from kclassify.core.item import Key, decode_bound, decode_key
from kclassify.core.spending import Spending
from kclassify.core.states import ChangeStatus, PassStatus
from kclassify.core.verdict import OutcomeKind, Usage
from kclassify.database import Database
from kclassify.ports import Mode
from kclassify.store import breakers, spent
from kclassify.store import passes as pass_rows
from kclassify.store import runs as run_rows
from kclassify.store.judged_rows import JudgedPass, find_judged
from kclassify.store.looks import Look, looks_at
from kclassify.store.migrations import migrate, schema_version
from kclassify.store.run_summaries import RunSummary, summaries
from kclassify.store.shard_reports import ShardReport, shard_reports
from kclassify.store.step_reports import StepReport, latest_steps, step_count, step_reports
from kclassify.store.tables import changes, outcomes, passes
from kclassify.store.totals import Transition, change_counts, outcome_counts, transitions, usage

PAGE = 1000
FAILING = tuple(kind for kind in OutcomeKind if kind.is_failure)


@dataclass(frozen=True, slots=True)
class PassReport:
    """One pass.

    `outcomes` counts items by kind, `changes` the audit by status. `usage` is what this classifier
    was paid for while the pass was open, `spending` what that came to and `steps` in how many
    steps: nothing and none for a pass of a ledger that did not know of costs. `gate` is the digest
    of the gate record that allowed it to write, `gate_refusal` what an `override` set aside: a line
    for each that the pass went on for, the newest last. `last_decision` was made at `decided_at`,
    None for a pass of a ledger that did not know of steps; `was_gone_on_with` says whether a step
    has begun since and has not ended. `next_step_at` is when somebody is to go on with it, None
    when nobody is. A divided pass has `shards`, and a cursor in each of them. Times are Unix
    seconds.
    """

    number: int
    mode: Mode
    status: PassStatus
    model: str
    fingerprint: str
    source: str
    settled: int
    cursor: Key | None
    transitions: tuple[Transition, ...]
    outcomes: Mapping[OutcomeKind, int]
    changes: Mapping[ChangeStatus, int]
    usage: Usage
    override: str | None
    gate: str | None
    gate_refusal: str | None
    started_at: float
    updated_at: float
    finished_at: float | None
    last_decision: str | None
    decided_at: float | None = None
    was_gone_on_with: bool = False
    next_step_at: float | None = None
    shards: tuple[ShardReport, ...] = ()
    spending: Spending = field(default_factory=Spending)
    steps: int = 0


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run with all its passes, oldest first, and who works on it. Times are Unix seconds.

    `lease_holder` is the worker whose lease ends last; the shards of a pass name all of them.
    `breaker` is the outage that its workers know of, closed when the provider answers; `spending`
    what all passes have spent, and what is held for calls that have not ended.
    """

    name: str
    source: str
    created_at: float
    lease_holder: str | None
    lease_expires_at: float
    passes: tuple[PassReport, ...]
    breaker: Breaker = field(default_factory=Breaker)
    spending: Spending = field(default_factory=Spending)


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that ended without an answer, in the pass of this number."""

    key: Key
    kind: OutcomeKind
    detail: str
    current: str | None
    body_chars_cut: int
    pass_number: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class AuditedChange:
    """A row of the audit: a write, tried or done or undone. Times are Unix seconds."""

    id: int
    pass_number: int
    key: Key
    before: str | None
    after: str
    confidence: float
    status: ChangeStatus
    idempotency_key: str
    extra: Mapping[str, Any]
    recorded_at: float
    reverted_at: float | None


class LedgerReader:
    """Reads a ledger and creates nothing: a database without one has no runs.

    Every method that takes the name of a run raises `UsageError` when there is none of that name,
    and all of them `DatabaseError` when the database cannot be reached.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def runs(self) -> list[RunSummary]:
        """The runs, newest first."""
        if not self._is_there():
            return []
        with self.database.connect() as connection:
            return summaries(connection)

    def status(self, run: str) -> RunReport:
        """The run with all its passes."""
        with self._run(run) as (connection, row):
            query = pass_rows.whole_passes().where(passes.c.run_id == row.id)
            found = connection.execute(query.order_by(passes.c.number)).all()
            reports = tuple(_pass_report(connection, each) for each in found)
            leases = [(row.lease_expires_at, row.lease_holder)]
            leases += [(e.lease_expires_at, e.lease_holder) for p in reports for e in p.shards]
            expires_at, holder = max(leases, key=lambda lease: lease[0])
            return RunReport(
                name=row.name,
                source=row.source,
                created_at=row.created_at,
                lease_holder=holder,
                lease_expires_at=expires_at,
                passes=reports,
                breaker=breakers.of_run(connection, row.id),
                spending=spent.spending(connection, row.id),
            )

    def steps(self, run: str, number: int) -> Sequence[StepReport]:
        """The steps of the pass of this number, in the order in which they began."""
        with self._run(run) as (connection, row):
            return step_reports(connection, row.id, number)

    def failures(
        self, run: str, kind: OutcomeKind | None = None, limit: int | None = None
    ) -> list[Failure]:
        """The items that failed in the latest pass that settled any, `limit` of them at most."""
        kinds = FAILING if kind is None else (kind,)
        with self._run(run) as (connection, row):
            latest = pass_rows.latest_with_outcomes(connection, row.id)
            if latest is None:
                return []
            query = (
                select(outcomes)
                .where(outcomes.c.pass_id == latest.id, outcomes.c.kind.in_(kinds))
                .order_by(outcomes.c.item_key)
                .limit(limit)
            )
            return [_failure(each, latest) for each in connection.execute(query)]

    def changes(self, run: str) -> Iterator[AuditedChange]:
        """The audit of a run in the order of its writes, read a page at a time."""
        with self._run(run) as (_, row):
            run_id = row.id
        return self._changes(run_id)

    def looks(self, *samples: str) -> list[Look]:
        """The looks at any of these samples, the oldest first."""
        if not self._is_there():
            return []
        with self.database.connect() as connection:
            return looks_at(connection, samples)

    def judged(self, run: str, mode: Mode = Mode.DRY_RUN) -> JudgedPass:
        """The latest dry run that is done, or what a commit wrote, with a row for each item."""
        with self._run(run) as (connection, row):
            return find_judged(self.database, connection, row, mode)

    def _changes(self, run_id: int) -> Iterator[AuditedChange]:
        last = 0
        while page := self._page(run_id, last):
            yield from page
            last = page[-1].id

    def _page(self, run_id: int, last: int) -> list[AuditedChange]:
        query = (
            select(changes, passes.c.number.label("pass_number"))
            .join(passes, passes.c.id == changes.c.pass_id)
            .where(changes.c.run_id == run_id, changes.c.id > last)
            .order_by(changes.c.id)
            .limit(PAGE)
        )
        with self.database.connect() as connection:
            return [_change(row) for row in connection.execute(query)]

    def _is_there(self) -> bool:
        with self.database.connect() as connection:
            found = schema_version(connection) is not None
        if found:
            migrate(self.database)
        return found

    @contextmanager
    def _run(self, name: str) -> Generator[tuple[Connection, Row[Any]]]:
        if not self._is_there():
            raise run_rows.no_such_run(name, [])
        with self.database.connect() as connection:
            yield connection, run_rows.find(connection, name)


def _pass_report(connection: Connection, row: Row[Any]) -> PassReport:
    spending = spent.spending(connection, row.run_id, row.id)
    latest = latest_steps(connection, row.run_id, row.id)
    return PassReport(
        number=row.number,
        mode=Mode(row.mode),
        status=PassStatus(row.status),
        model=row.model,
        fingerprint=row.fingerprint,
        source=row.source,
        settled=row.settled,
        cursor=decode_bound(row.cursor),
        transitions=transitions(connection, row.id),
        outcomes=outcome_counts(connection, row.id),
        changes=change_counts(connection, row.id),
        usage=spending.charge.usage if spending.charge.calls else usage(connection, row),
        override=row.override,
        gate=row.gate,
        gate_refusal=row.gate_refusal,
        started_at=row.started_at,
        updated_at=row.updated_at,
        finished_at=row.finished_at,
        last_decision=row.last_decision,
        decided_at=latest.ended_at,
        was_gone_on_with=latest.is_gone_on_with,
        next_step_at=row.next_step_at,
        shards=shard_reports(connection, row.id) if row.parts else (),
        spending=spending,
        steps=step_count(connection, row.run_id, row.id),
    )


def _failure(row: Row[Any], latest: Row[Any]) -> Failure:
    return Failure(
        key=decode_key(row.item_key),
        kind=OutcomeKind(row.kind),
        detail=row.detail,
        current=row.current,
        body_chars_cut=row.body_chars_cut,
        pass_number=latest.number,
        mode=Mode(latest.mode),
    )


def _change(row: Row[Any]) -> AuditedChange:
    return AuditedChange(
        id=row.id,
        pass_number=row.pass_number,
        key=decode_key(row.item_key),
        before=row.before,
        after=row.after,
        confidence=row.confidence,
        status=ChangeStatus(row.status),
        idempotency_key=row.idempotency_key,
        extra=row.extra,
        recorded_at=row.recorded_at,
        reverted_at=row.reverted_at,
    )
