"""The ledger on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import Connection

from kclassify.core.availability import Breaker
from kclassify.core.decision import Decision, Halt, Superseded
from kclassify.core.division import Division
from kclassify.core.item import Key
from kclassify.core.shared_concurrency import Share
from kclassify.core.spending import NOTHING, Charge, Hold, Spending
from kclassify.core.verdict import Outcome
from kclassify.database import Database
from kclassify.holder import is_alive as holder_is_alive
from kclassify.ports import (
    Checkpoint,
    Evaluated,
    Mode,
    OnCommit,
    Pass,
    PassRequest,
    Recorded,
    Writer,
    WrittenRow,
)
from kclassify.store import (
    breakers,
    cutting,
    dry_runs,
    grants,
    intents,
    passes,
    runs,
    shards,
    spent,
    steps,
    verdicts,
    written,
)
from kclassify.store.batches import SqlBatches
from kclassify.store.checkpoint import CheckpointWork, superseded
from kclassify.store.endings import Ending, tell
from kclassify.store.forget import forget_failing
from kclassify.store.looks import Look, add_look
from kclassify.store.migrations import migrate


class SqlLedger:
    """Implements `kclassify.ports.Ledger` in the tables of `kclassify.store.tables`.

    A URL may name an SQLite file that is not there yet. The tables are created, or brought up to
    date, when the ledger is first used. `is_alive` tells whether the holder of a lease still lives:
    a lease is taken at once from one that does not.
    """

    def __init__(
        self, database: Database | str, *, is_alive: Callable[[str], bool] = holder_is_alive
    ) -> None:
        if isinstance(database, str):
            database = Database(database, create=True)
        self.database = database
        self.is_alive = is_alive
        self._migrated = False

    @property
    def description(self) -> str:
        """The URL of its database, without the password."""
        return self.database.description

    def open(
        self, request: PassRequest, holder: str, now: float, lease_s: float
    ) -> Pass | Decision:
        """Take the lease and find the pass to go on with, or start the next one.

        `Superseded` when another worker holds the lease. A pass of another fingerprint or source is
        abandoned for a new one. Of a divided pass it is the lease of a shard. Raises
        `DatabaseError`, `LedgerVersionError` when the tables were written by a newer kclassify, and
        `UsageError` for a shard that is not there.
        """
        self.prepare()
        claim = runs.Claim(holder, now, lease_s, self.is_alive)
        with self.database.begin() as connection:
            run = runs.find_or_create(connection, request.run, request.source, now)
            row = passes.latest_resumable(connection, run.id, request.mode)
            other = passes.instead_of(connection, run.id, row, request)
            if isinstance(other, Halt) and row is not None:
                passes.tell(connection, row, request.shard, tell(other))
            if other is not None:
                return other
            if row is not None and row.parts and passes.is_for(row, request):
                opened = shards.open_shard(connection, run, row, request, claim)
            else:
                opened = _open_whole(connection, run.id, request, claim)
            if isinstance(opened, Pass):
                return steps.begin(connection, run.id, opened, request, now)
            return opened

    def renew(self, request: PassRequest, now: float) -> int | None:
        """The number of the unfinished pass that jobs work on; what of it has stopped is due."""
        self.prepare()
        with self.database.begin() as connection:
            run = runs.find_or_create(connection, request.run, request.source, now)
            row = passes.latest_resumable(connection, run.id, request.mode)
            if row is None or row.job is None or not passes.is_for(row, request):
                return None
            shards.revive(connection, row.id, now)
            passes.renew(connection, row, request, now)
            return int(row.number)

    def divide(
        self, opened: Pass, division: Division, now: float, lease_s: float
    ) -> Pass | Superseded:
        """Cut a pass, or a shard of it, at these bounds; its first part stays with this worker."""
        with self.database.begin() as connection:
            cut = cutting.divide(connection, opened, division, now, lease_s)
            if cut is None:
                return superseded(connection, opened)
            steps.hand_on(connection, cut)
            return cut

    def want_parts(self, run: str, mode: Mode, shard: int | None, into: int) -> int:
        """Have the next step of an unfinished pass, or shard, cut it; the number of the pass.

        Raises `UsageError` where there is no such pass or shard.
        """
        self.prepare()
        with self.database.begin() as connection:
            return cutting.want_parts(connection, (run, mode), shard, into)

    def end_shard(self, opened: Pass, now: float) -> bool | Superseded:
        """Whether this shard is the last of its pass; one that is not is done now."""
        if opened.shard is None:
            return True
        with self.database.begin() as connection:
            is_last = shards.end_shard(connection, opened, opened.shard, now)
            return superseded(connection, opened) if is_last is None else is_last

    def share(self, opened: Pass, total: int, in_flight: int, now: float, lease_s: float) -> Share:
        """What this worker may have in flight of the `total` that all workers of the pass share."""
        if opened.shard is None:
            return Share(total, total)
        with self.database.begin() as connection:
            ends_at = now + lease_s
            return grants.take_share(
                connection, opened, opened.shard, total, in_flight, (now, ends_at)
            )

    def heartbeat(self, opened: Pass, now: float, lease_s: float) -> bool:
        """Prolong the lease; False when it was lost."""
        with self.database.begin() as connection:
            return runs.prolong_lease(connection, opened, now + lease_s)

    def breaker(self, run: str) -> Breaker:
        """What the workers of a run know of an outage by now."""
        self.prepare()
        with self.database.connect() as connection:
            return breakers.named(connection, run)

    def recall(self, digests: Collection[str], fingerprint: str) -> Mapping[str, Outcome[str]]:
        """The recorded outcomes among these items, by item digest, each marked as recalled."""
        self.prepare()
        with self.database.connect() as connection:
            return verdicts.recall(connection, digests, fingerprint)

    def record(
        self,
        fingerprint: str,
        outcomes: Sequence[tuple[str, Outcome[str]]],
        now: float,
        *,
        opened: Pass | None = None,
        charge: Charge = NOTHING,
        number: int | None = None,
    ) -> Mapping[str, Outcome[str]]:
        """Store outcomes by item digest, all in one transaction; one that is there stays.

        Returns those that were there, by item digest and marked as recalled: they count instead of
        the ones given. The first of several outcomes of one item is there for the others. The
        charge is added to the step of `opened` in the same transaction, one with a `number` once.
        """
        self.prepare()
        with self.database.begin() as connection:
            earlier = verdicts.record(connection, fingerprint, outcomes, now)
            if opened is not None:
                steps.charge(connection, opened.step, charge, now, number=number)
            return earlier

    def reserve(self, opened: Pass, budget: int, wanted: int, now: float) -> Hold:
        """Hold so much of the run's budget in all (nanodollars), or what there is of it."""
        with self.database.begin() as connection:
            return spent.reserve(connection, opened, (budget, wanted), now, self.is_alive)

    def spending(self, run: str) -> Spending:
        """What a run has spent in all its passes; nothing of a run that is not there."""
        self.prepare()
        with self.database.connect() as connection:
            return spent.spending_of(connection, run)

    @property
    def batches(self) -> SqlBatches:
        """What it remembers of batches."""
        return SqlBatches(self.database)

    def forget_failures_of(self, fingerprint: str, digests: Collection[str]) -> None:
        """Forget the outcomes of these items that are failures, so that others are recorded."""
        self.prepare()
        with self.database.begin() as connection:
            forget_failing(connection, fingerprint, digests)

    def settle_intents(self, opened: Pass, writer: Writer, now: float) -> int:
        """Try again what was on its way to an external writer; how many writes that were."""
        return intents.settle_intents(self.database, opened, writer, now)

    def checkpoint(
        self,
        opened: Pass,
        fingerprint: str,
        checkpoint: Checkpoint,
        writer: Writer | None,
        now: float,
        on_commit: OnCommit | None = None,
    ) -> Recorded | Superseded:
        """Write, audit, outcomes, tallies and cursor: one transaction where a database is shared.

        With `on_commit` the lease is let go in that transaction, before it is called: whoever it
        wakes finds the run free. `Superseded` when another worker moved the fence first; nothing is
        stored then. Raises `ValueError` for a commit without a writer, and `SourceError` for an
        item that this pass has settled already.
        """
        if opened.mode is Mode.COMMIT and writer is None:
            raise ValueError("a commit needs a writer")
        return CheckpointWork(
            self.database, opened, fingerprint, checkpoint, writer, now, on_commit
        ).execute()

    def written(self, run: str) -> list[WrittenRow]:
        """The rows that all commits of a run have written, in that order, also those put back."""
        self.prepare()
        with self.database.connect() as connection:
            return written.written(connection, run)

    def dry_run_rows(self, run: str, number: int) -> int | None:
        """How many rows this pass of a run settled; None when it is no finished dry run."""
        self.prepare()
        with self.database.connect() as connection:
            return dry_runs.dry_run_rows(connection, run, number)

    def evaluated(self, run: str, number: int, keys: Collection[Key]) -> Mapping[Key, Evaluated]:
        """What this pass of a run settled of these items, as far as it met them."""
        self.prepare()
        with self.database.connect() as connection:
            return dry_runs.evaluated(connection, run, number, keys)

    def close_step(self, opened: Pass, decision: Decision, now: float) -> None:
        """Record how the step ended and let the lease go; nothing when the run was opened since.

        What the step holds of the budget is let go all the same. After a checkpoint with
        `on_commit` the lease is gone already, and the rest is recorded.
        """
        with self.database.begin() as connection:
            runs.lock(connection, opened.run)
            if passes.end(connection, opened, Ending.of(decision, now)):
                runs.release_lease(connection, opened)
                grants.give_back(connection, opened, now)
            steps.end(connection, opened, decision, now)

    def look(self, sample: str, fingerprint: str, now: float, *, sealed: bool, verdict: str) -> int:
        """Count a look of this classifier at this sample, both by their digests; its number.

        The same classifier on the same sample is the same look. `sealed` says whether the sealed
        holdout was looked at, `verdict` what came of it.
        """
        self.prepare()
        with self.database.begin() as connection:
            return add_look(connection, Look(sample, fingerprint, 0, now, verdict, sealed))

    def prepare(self) -> None:
        """Create the tables or bring them up to date, once."""
        if not self._migrated:
            migrate(self.database)
            self._migrated = True

    def close(self) -> None:
        """Let go of the connections."""
        self.database.close()


def _open_whole(
    connection: Connection, run_id: int, request: PassRequest, claim: runs.Claim
) -> Pass | Superseded:
    rival = runs.take_lease(connection, request.run, claim)
    if rival is not None:
        return Superseded(rival)
    return passes.open_pass(connection, run_id, request, claim.holder, claim.now)
