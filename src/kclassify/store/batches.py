"""The batches of runs, on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import or_, select

from kclassify.core.batch import (
    Answer,
    Batch,
    BatchPlan,
    RemoteBatch,
    Standing,
    Tried,
)
from kclassify.core.decision import Superseded
from kclassify.core.spending import Charge
from kclassify.database import Database
from kclassify.ports import Pass
from kclassify.store import batch_results, batch_rows, passes, steps
from kclassify.store.beside import step_beside
from kclassify.store.call_tables import batches
from kclassify.store.checkpoint import superseded


class SqlBatches:
    """Implements `kclassify.ports.BatchLedger` in the tables of a ledger that are there.

    What is from before a pass was cut belongs to its first shard.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def standing(self, opened: Pass) -> Standing:
        """The batches that are not over, and how far items were planned."""
        with self.database.connect() as connection:
            return batch_rows.standing(connection, opened)

    def tried(self, opened: Pass, digests: Collection[str]) -> Mapping[str, Tried]:
        """What these items met in the batches of this pass, those of its other shards too."""
        with self.database.connect() as connection:
            return batch_results.tried(connection, opened, digests)

    def met(self, batch: Batch, digests: Collection[str]) -> Mapping[str, Tried]:
        """What these items met in the batches of the pass that planned this one."""
        with self.database.connect() as connection:
            return batch_results.met(connection, batch.pass_id, digests)

    def unread(self, run: str) -> tuple[Batch, ...]:
        """The batches of all passes of a run that are not over, in the order of their plans."""
        with self.database.connect() as connection:
            return batch_rows.unread(connection, run)

    def beside(self, run: str, told: str, now: float) -> Pass | None:
        """The latest pass of a run, with a step of its own that has ended."""
        with self.database.begin() as connection:
            return step_beside(connection, run, told, now)

    def was_answered(self, opened: Pass) -> bool:
        """Whether anything of the batch of this pass that was read last was answered."""
        with self.database.connect() as connection:
            return batch_results.was_answered(connection, opened)

    def plan(self, opened: Pass, plan: BatchPlan, now: float) -> tuple[Pass, Batch] | Superseded:
        """Store the intent to create a batch, before it is created, under the fence of the pass."""
        with self.database.begin() as connection:
            held = passes.move(connection, opened)
            if held is None:
                return superseded(connection, opened)
            return held, batch_rows.add(connection, held, plan, now)

    def sent(self, batch: Batch, remote: RemoteBatch, now: float) -> Batch:
        """The provider has it, or has ended it; one that is over stays as it is."""
        with self.database.begin() as connection:
            return batch_rows.tell(connection, batch, remote, now)

    def lost(self, batch: Batch, now: float) -> None:
        """The provider never got it: its items are free again; nothing when it did."""
        with self.database.begin() as connection:
            batch_rows.lose(connection, batch, now)

    def forget(self, opened: Pass, batch: Batch, now: float) -> int:
        """Nobody will read it: what of it is not answered can have cost so much, and is free."""
        with self.database.begin() as connection:
            uncertain = batch_rows.forget(connection, batch, now)
            steps.charge(connection, opened.step, Charge(uncertain=uncertain), now, is_batch=True)
            return uncertain

    def collect(
        self, opened: Pass, fingerprint: str, batch: Batch, answers: Sequence[Answer], now: float
    ) -> list[Answer]:
        """Store results, all in one transaction; those that were not there before."""
        with self.database.begin() as connection:
            return batch_results.collect(connection, opened, fingerprint, batch, answers, now)

    def read(self, batch: Batch, now: float) -> None:
        """All results are read: the batch is over; a request without one is asked again."""
        with self.database.begin() as connection:
            if batch_rows.end(connection, batch, now):
                batch_results.mark_unanswered(connection, batch)

    def remote_ids(self, since: float) -> frozenset[str]:
        """The batches of all runs that were created since then, and perhaps some from before."""
        is_recent = or_(batches.c.intended_at >= since, batches.c.polled_at >= since)
        query = select(batches.c.remote_id).where(batches.c.remote_id.is_not(None), is_recent)
        with self.database.connect() as connection:
            return frozenset(connection.scalars(query))
