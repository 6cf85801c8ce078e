"""The ledger in SQLite or PostgreSQL: its tables, what writes them and what reads them."""

from __future__ import annotations

from kclassify.holder import is_alive, this_holder
from kclassify.store.forget import forget_failures
from kclassify.store.ledger import SqlLedger
from kclassify.store.looks import Look
from kclassify.store.reading import (
    AuditedChange,
    Failure,
    LedgerReader,
    PassReport,
    RunReport,
)
from kclassify.store.rollback import RollbackReport, rollback
from kclassify.store.run_summaries import RunSummary
from kclassify.store.shard_reports import ShardReport
from kclassify.store.step_reports import StepReport
from kclassify.store.totals import Transition
from kclassify.store.verify import verify

__all__ = [
    "AuditedChange",
    "Failure",
    "LedgerReader",
    "Look",
    "PassReport",
    "RollbackReport",
    "RunReport",
    "RunSummary",
    "ShardReport",
    "SqlLedger",
    "StepReport",
    "Transition",
    "forget_failures",
    "is_alive",
    "rollback",
    "this_holder",
    "verify",
]
