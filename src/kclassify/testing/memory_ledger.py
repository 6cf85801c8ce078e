"""A ledger without a database, for tests and simulations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from kclassify.core.availability import Breaker
from kclassify.core.decision import Decision, Superseded
from kclassify.core.division import Division
from kclassify.core.item import Key
from kclassify.core.shared_concurrency import Share
from kclassify.core.spending import NOTHING, Charge, Hold, Spending
from kclassify.core.states import ChangeStatus, PassStatus
from kclassify.core.verdict import Outcome
from kclassify.ports import (
    BatchLedger,
    Checkpoint,
    Evaluated,
    Mode,
    OnCommit,
    Pass,
    PassRequest,
    Recorded,
    Write,
    Writer,
    WrittenRow,
)
from kclassify.store.places import shard_number
from kclassify.store.settlement import finals, idempotency_keys, plan_writes
from kclassify.store.verdicts import worth_recording
from kclassify.testing.memory_batches import MemoryBatches
from kclassify.testing.memory_opening import Opening
from kclassify.testing.memory_place import MemoryPlace, MemoryShard
from kclassify.testing.memory_run import MemoryPass, MemoryRun, with_results
from kclassify.testing.memory_shards import Cut, end_shard, give_back, take_share, want_parts
from kclassify.testing.memory_spending import (
    add_charge,
    begin_step,
    end_step,
    let_go,
    reserve,
    spending_of,
)
from kclassify.testing.memory_verdicts import MemoryVerdicts
from kclassify.testing.memory_writer import asked, undone_on_error

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NO_CONNECTION = cast("Connection", None)


class MemoryLedger:
    """Implements `kclassify.ports.Ledger` in memory; nothing outlives the object.

    `runs` is what it holds, for tests to look into. A writer whose `database` is that of the ledger
    is asked within the one transaction, any other between two. `on_commit` gets None for a
    connection, there being none.
    """

    def __init__(self, database: str = "memory") -> None:
        self.database = database
        self.description = "a ledger in memory"
        self.runs: dict[str, MemoryRun] = {}
        self.verdicts = MemoryVerdicts()
        self.batches: BatchLedger = MemoryBatches(self)
        self._next_id = self._next_step = 1

    def open(
        self, request: PassRequest, holder: str, now: float, lease_s: float
    ) -> Pass | Decision:
        """Take the lease and find the pass to go on with, or start the next one."""
        run = self.runs.setdefault(request.run, MemoryRun())
        asked = Opening(run, request, holder, now, now + lease_s, self._next_id)
        found = asked.find()
        if not isinstance(found, Pass):
            return found
        self._next_id += found.id == self._next_id
        self._next_step += 1
        return begin_step(run, found, request.fingerprint, self._next_step - 1)

    def divide(
        self, opened: Pass, division: Division, now: float, lease_s: float
    ) -> Pass | Superseded:
        """Cut a pass, or a shard of it, at these bounds; its first part stays with this worker."""
        place = self._row(opened)
        if place is None:
            return self.runs[opened.run].superseded(opened)
        row = self.runs[opened.run].pass_of(opened)
        cut = Cut(row, place, opened, now, now + lease_s)
        first = cut.make(division)
        if opened.shard is None and first.shard is not None:
            self.runs[opened.run].release(opened)
        run = self.runs[opened.run]
        if opened.step in run.steps:
            run.steps[opened.step].shard = shard_number(first)
        return first

    def renew(self, request: PassRequest, now: float) -> int | None:
        """The number of the unfinished pass that the request is for; a fake keeps no due steps."""
        del now
        return self.runs.get(request.run, MemoryRun()).renew(request)

    def want_parts(self, run: str, mode: Mode, shard: int | None, into: int) -> int:
        """Have the next step of an unfinished pass, or shard, cut it; the number of the pass."""
        return want_parts(self.runs, (run, mode), shard, into)

    def end_shard(self, opened: Pass, now: float) -> bool | Superseded:
        """Whether this shard is the last of its pass; one that is not is done now."""
        run = self.runs[opened.run]
        place = run.place_of(opened)
        if not isinstance(place, MemoryShard):
            return True
        is_last = end_shard(run.pass_of(opened), place, opened, now)
        return self.runs[opened.run].superseded(opened) if is_last is None else is_last

    def share(self, opened: Pass, total: int, in_flight: int, now: float, lease_s: float) -> Share:
        """What this worker may have in flight of the `total` that all workers of the pass share."""
        row = self.runs[opened.run].pass_of(opened)
        return take_share(row, opened, (total, in_flight), now, now + lease_s)

    def heartbeat(self, opened: Pass, now: float, lease_s: float) -> bool:
        """Prolong the lease; False when it was lost."""
        lease = self.runs[opened.run].lease_of(opened)
        held = lease.holder == opened.holder and self._unopened_since(opened) is not None
        if held:
            lease.expires_at = now + lease_s
        return held

    def breaker(self, run: str) -> Breaker:
        """What the workers of a run know of an outage by now."""
        return self.runs[run].breaker if run in self.runs else Breaker()

    def forget_failures_of(self, fingerprint: str, digests: Collection[str]) -> None:
        """Forget the outcomes of these items that are failures, so that others are recorded."""
        self.verdicts.forget_failures_of(fingerprint, digests)

    def recall(self, digests: Collection[str], fingerprint: str) -> dict[str, Outcome[str]]:
        """The recorded outcomes among these items, by item digest, each marked as recalled."""
        return self.verdicts.recall(digests, fingerprint)

    def record(
        self,
        fingerprint: str,
        outcomes: Sequence[tuple[str, Outcome[str]]],
        now: float,
        *,
        opened: Pass | None = None,
        charge: Charge = NOTHING,
        number: int | None = None,
    ) -> dict[str, Outcome[str]]:
        """Store outcomes by item digest, and the charge; those that were there before count."""
        if opened is not None:
            add_charge(self.runs[opened.run], opened, charge, now, number=number)
        return self.verdicts.record(fingerprint, outcomes)

    def reserve(self, opened: Pass, budget: int, wanted: int, now: float) -> Hold:
        """Hold so much of the run's budget in all (nanodollars), or what there is of it."""
        return reserve(self.runs[opened.run], opened, budget, wanted, now)

    def spending(self, run: str) -> Spending:
        """What a run has spent in all its passes; nothing of a run that is not there."""
        return spending_of(self.runs[run]) if run in self.runs else Spending()

    def settle_intents(self, opened: Pass, writer: Writer, now: float) -> int:
        """Try again what was on its way to an external writer; how many writes that were."""
        del now
        run = self.runs[opened.run]
        writes = [
            Write(known.change, identity, redo=True)
            for identity, known in run.audit.items()
            if known.status is ChangeStatus.INTENT and run.is_for(opened, identity)
        ]
        if not writes or self._row(opened) is None:
            return 0
        receipts = writer.apply(writes, None)
        if self._row(opened) is not None:
            run.audit.update(with_results({}, zip(writes, receipts, strict=True)))
        return len(writes)

    def checkpoint(
        self,
        opened: Pass,
        fingerprint: str,
        checkpoint: Checkpoint,
        writer: Writer | None,
        now: float,
        on_commit: OnCommit | None = None,
    ) -> Recorded | Superseded:
        """Write, audit, outcomes, tallies and cursor, all or nothing.

        Labels of a `MemoryWriter` that shares the ledger's database are put back on an error, too.
        """
        if opened.mode is Mode.COMMIT and writer is None:
            raise ValueError("a commit needs a writer")
        identities = idempotency_keys(opened, checkpoint.settled)
        if self._row(opened) is None:
            return self.runs[opened.run].superseded(opened)
        audited = self.runs[opened.run].audited(opened, identities)
        writes = plan_writes(opened, checkpoint.settled, identities, audited)
        is_apart = writer is None or writer.database != self.database
        if writes and is_apart:
            opened = self._intend(opened, writes)
        with nullcontext() if is_apart else undone_on_error(writer):
            audited = with_results(audited, asked(writer, writes))
            if self._row(opened) is None:
                return self.runs[opened.run].superseded(opened)
            items = list(finals(checkpoint.settled, identities, audited, {}))
            self.runs[opened.run].pass_of(opened).refuse_second(items)
            self._tell(opened, checkpoint, on_commit)
        self.runs[opened.run].audit.update(audited)
        said = [(item.item_digest, item.outcome) for item in checkpoint.settled]
        self.verdicts.record(fingerprint, worth_recording(said))
        return self.runs[opened.run].store(opened, checkpoint, items, now)

    def written(self, run: str) -> list[WrittenRow]:
        """The rows that all commits of a run have written, in that order, also those put back."""
        return self.runs[run].written() if run in self.runs else []

    def dry_run_rows(self, run: str, number: int) -> int | None:
        """How many rows this pass of a run settled; None when it is no finished dry run."""
        row = self._pass(run, number)
        if row is None or row.opened.mode is Mode.COMMIT or row.status is not PassStatus.DONE:
            return None
        return row.settled

    def evaluated(self, run: str, number: int, keys: Collection[Key]) -> dict[Key, Evaluated]:
        """What this pass of a run settled of these items, as far as it met them."""
        row = self._pass(run, number)
        return {} if row is None else row.evaluated(keys)

    def close_step(self, opened: Pass, decision: Decision, now: float) -> None:
        """Record how the step ended and let the lease go; nothing when the run was opened since.

        What the step holds of the budget is let go all the same.
        """
        end_step(self.runs[opened.run], opened, decision, now)
        place = self._unopened_since(opened)
        if place is None or place.status is not PassStatus.OPEN:
            return
        place.end(decision, now)
        self.runs[opened.run].release(opened)
        if isinstance(place, MemoryShard):
            give_back(place, now)
            row = self.runs[opened.run].pass_of(opened)
            row.end(decision, now)
            row.next_step_at = None

    def close(self) -> None:
        """Nothing to let go of."""

    def _pass(self, run: str, number: int) -> MemoryPass | None:
        passes = self.runs[run].passes if run in self.runs else []
        return next((row for row in passes if row.opened.number == number), None)

    def _row(self, opened: Pass) -> MemoryPlace | None:
        """The open pass, or its shard, when this worker is the one to move it."""
        place = self.runs[opened.run].place_of(opened)
        return place if place.is_moved_by(opened) else None

    def _unopened_since(self, opened: Pass) -> MemoryPlace | None:
        """The pass, or its shard, when nobody opened it since."""
        place = self.runs[opened.run].place_of(opened)
        return place if place.is_unopened_since(opened) else None

    def _tell(self, opened: Pass, checkpoint: Checkpoint, on_commit: OnCommit | None) -> None:
        """Call `on_commit` with the lease let go."""
        if on_commit is None:
            return
        lease = self.runs[opened.run].lease_of(opened)
        before = lease.holder, lease.expires_at
        self.runs[opened.run].release(opened)
        try:
            on_commit(_NO_CONNECTION, checkpoint.cursor)
        except BaseException:
            lease.holder, lease.expires_at = before
            raise
        let_go(self.runs[opened.run], opened)

    def _intend(self, opened: Pass, writes: Sequence[Write]) -> Pass:
        place = self._row(opened)
        if place is not None:
            opened = replace(opened, version=place.move())
        self.runs[opened.run].intend(opened, writes)
        return opened
