"""Undoing what a run wrote, from its audit, newest first and by compare-and-set."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from kclassify.core.states import REVERTIBLE, ChangeStatus
from kclassify.database import Database
from kclassify.errors import UsageError
from kclassify.holder import this_holder
from kclassify.ports import Mode, Receipt, Writer, WriteResult
from kclassify.store import passes, runs
from kclassify.store.audit import write_of
from kclassify.store.ledger import SqlLedger
from kclassify.store.tables import changes
from kclassify.store.tables import runs as run_table

BATCH = 500
BATCH_APART = 50
"""Between two of them the lease is prolonged: an external writer may take a second a row."""


@dataclass(frozen=True, slots=True)
class RollbackReport:
    """How many writes were undone, how many rows no longer hold what was written and were left.

    `kept` counts the changes of the run that never reached their rows: conflicts at the time.
    """

    reverted: int
    conflicts: int
    kept: int


def rollback(
    ledger: SqlLedger,
    writer: Writer,
    run: str,
    holder: str | None = None,
    now: Callable[[], float] = time.time,
    lease_s: float = 60.0,
) -> RollbackReport:
    """Put the labels back that a run replaced.

    It holds the run's lease meanwhile, as `holder` (a name for this worker when there is none).
    One that was killed can be run again; rows that were left as conflicts are tried again. A commit
    that was under way is abandoned. Raises `UsageError` when the run is not there or another worker
    holds it, or takes it meanwhile.
    """
    ledger.prepare()
    work = _Rollback(ledger, writer, run, holder or this_holder(), now, lease_s)
    work.take_lease()
    try:
        results = work.undo()
        writer.finish()
        return RollbackReport(
            results.count(WriteResult.WRITTEN), results.count(WriteResult.CONFLICT), work.kept()
        )
    finally:
        work.release_lease()


@dataclass(slots=True)
class _Rollback:
    _ledger: SqlLedger
    _writer: Writer
    _run: str
    _holder: str
    _now: Callable[[], float]
    _lease_s: float
    _run_id: int = 0
    _lease: int = 0

    @property
    def _database(self) -> Database:
        return self._ledger.database

    def take_lease(self) -> None:
        """Take it, fence every worker off, and end a commit that is under way."""
        now = self._now()
        claim = runs.Claim(self._holder, now, self._lease_s, self._ledger.is_alive)
        with self._database.begin() as connection:
            runs.find(connection, self._run)
            rival = runs.take_lease(connection, self._run, claim)
            if rival is not None:
                raise runs.held_by(self._run, rival)
            row = runs.find(connection, self._run)
            self._run_id, self._lease = row.id, row.lease_number
            passes.abandon(connection, row.id, Mode.COMMIT, now)

    def undo(self) -> list[WriteResult]:
        """Undo pass by pass, so that no batch holds a row twice."""
        results: list[WriteResult] = []
        for pass_id in self._passes():
            last: int | None = None
            while batch := self._next(pass_id, last):
                last = batch[-1].id
                results += self._undo(batch)
        return results

    def _passes(self) -> list[int]:
        query = select(changes.c.pass_id).where(changes.c.run_id == self._run_id).distinct()
        with self._database.connect() as connection:
            return sorted(connection.scalars(query), reverse=True)

    def _next(self, pass_id: int, last: int | None) -> list[Row[Any]]:
        query = select(changes).where(
            changes.c.pass_id == pass_id, changes.c.status.in_(REVERTIBLE)
        )
        if last is not None:
            query = query.where(changes.c.id < last)
        limit = BATCH if self._shares_transaction else min(BATCH, BATCH_APART)
        with self._database.connect() as connection:
            return list(connection.execute(query.order_by(changes.c.id.desc()).limit(limit)))

    def _undo(self, batch: Sequence[Row[Any]]) -> list[WriteResult]:
        if self._shares_transaction:
            with self._database.begin() as connection:
                self._hold_lease(connection)
                writes = [write_of(row, redo=_is_uncertain(row)) for row in batch]
                results = self._mark(connection, batch, self._writer.revert(writes, connection))
                self._prolong_lease(connection)
                return results
        with self._database.begin() as connection:
            self._hold_lease(connection)
        # An earlier rollback may have died between the writer's transaction and the mark.
        writes = [write_of(row, redo=True) for row in batch]
        receipts = self._writer.revert(writes, None)
        with self._database.begin() as connection:
            self._hold_lease(connection)
            return self._mark(connection, batch, receipts)

    @property
    def _shares_transaction(self) -> bool:
        return self._writer.database == self._database.identity

    def _mark(
        self, connection: Connection, batch: Sequence[Row[Any]], receipts: Sequence[Receipt]
    ) -> list[WriteResult]:
        statement = (
            changes.update()
            .where(changes.c.id == bindparam("of_row"), changes.c.status == bindparam("old_status"))
            .values(status=bindparam("new_status"), reverted_at=bindparam("at"))
        )
        # In the order in which a late worker updates these rows: no deadlock.
        pairs = sorted(zip(batch, receipts, strict=True), key=lambda pair: int(pair[0].id))
        marked = [_marked(row, receipt, self._now()) for row, receipt in pairs]
        if connection.execute(statement, marked).rowcount != len(marked):
            raise UsageError(
                f"a worker of run {self._run!r} that was thought dead went on writing during the "
                "rollback: stop that worker, and roll back again"
            )
        return [receipt.result for receipt in receipts]

    def _prolong_lease(self, connection: Connection) -> bool:
        held = connection.execute(
            run_table.update()
            .where(run_table.c.id == self._run_id, run_table.c.lease_number == self._lease)
            .values(lease_expires_at=self._now() + self._lease_s)
        )
        return held.rowcount == 1

    def _hold_lease(self, connection: Connection) -> None:
        if not self._prolong_lease(connection):
            raise UsageError(
                f"run {self._run!r} was taken by another worker during the rollback: stop that "
                "worker, and roll back again"
            )

    def kept(self) -> int:
        """How many changes never reached their rows."""
        query = select(func.count()).where(
            changes.c.run_id == self._run_id, changes.c.status == ChangeStatus.CONFLICT
        )
        with self._database.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def release_lease(self) -> None:
        """Let it go if it is still ours."""
        with self._database.begin() as connection:
            connection.execute(
                run_table.update()
                .where(run_table.c.id == self._run_id, run_table.c.lease_number == self._lease)
                .values(lease_holder=None, lease_expires_at=0.0)
            )


def _is_uncertain(row: Row[Any]) -> bool:
    return bool(row.status == ChangeStatus.INTENT)


def _marked(row: Row[Any], receipt: Receipt, now: float) -> dict[str, Any]:
    done = receipt.result is WriteResult.WRITTEN
    return {
        "of_row": row.id,
        "old_status": row.status,
        "new_status": ChangeStatus.REVERTED if done else ChangeStatus.REVERT_CONFLICT,
        "at": now if done else None,
    }
