"""A ledger without a database, for tests and simulations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from kclassify.core.availability import Breaker
from kclassify.core.decision import Decision, Superseded
from kclassify.core.item import Key, encode_key
from kclassify.core.states import ChangeStatus, PassStatus
from kclassify.core.verdict import Outcome
from kclassify.errors import SourceError
from kclassify.ports import (
    Checkpoint,
    Evaluated,
    Mode,
    OnCommit,
    Pass,
    PassRequest,
    Receipt,
    Recorded,
    Settled,
    Write,
    Writer,
    WrittenRow,
)
from kclassify.store.endings import status_after
from kclassify.store.settlement import (
    Audited,
    Final,
    finals,
    idempotency_key,
    met_twice,
    plan_writes,
    refuse_repeated,
    with_results,
)
from kclassify.store.verdicts import first_of_each, worth_recording
from kclassify.testing.memory_run import MemoryPass, MemoryRun
from kclassify.testing.memory_writer import MemoryWriter

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
        self.verdicts: dict[tuple[str, str], Outcome[str]] = {}
        self._next_id = 1

    def open(
        self, request: PassRequest, holder: str, now: float, lease_s: float
    ) -> Pass | Superseded:
        """Take the lease and find the pass to go on with, or start the next one."""
        run = self.runs.setdefault(request.run, MemoryRun())
        if run.holder not in {None, holder} and run.expires_at > now:
            return Superseded(str(run.holder))
        run.holder, run.expires_at = holder, now + lease_s
        run.openings += 1
        for each in run.resumable():
            version = each.opened.version + 1
            each.opened, each.version_at_open = replace(each.opened, version=version), version
        return self._find(run, request, holder) or self._start(run, request, holder)

    def heartbeat(self, opened: Pass, now: float, lease_s: float) -> bool:
        """Prolong the lease; False when it was lost."""
        run = self.runs[opened.run]
        held = run.holder == opened.holder and self._unopened_since(opened) is not None
        if held:
            run.expires_at = now + lease_s
        return held

    def breaker(self, run: str) -> Breaker:
        """What the workers of a run know of an outage by now."""
        return self.runs[run].breaker if run in self.runs else Breaker()

    def forget_failures_of(self, fingerprint: str, digests: Collection[str]) -> None:
        """Forget the outcomes of these items that are failures, so that others are recorded."""
        for digest in digests:
            found = self.verdicts.get((digest, fingerprint))
            if found is not None and found.kind.is_failure:
                del self.verdicts[digest, fingerprint]

    def recall(self, digests: Collection[str], fingerprint: str) -> dict[str, Outcome[str]]:
        """The recorded outcomes among these items, by item digest, each marked as recalled."""
        found = {digest: self.verdicts.get((digest, fingerprint)) for digest in digests}
        return {key: outcome.as_recalled() for key, outcome in found.items() if outcome}

    def record(
        self, fingerprint: str, outcomes: Sequence[tuple[str, Outcome[str]]], now: float
    ) -> dict[str, Outcome[str]]:
        """Store outcomes by item digest; those that were there before, and count instead."""
        del now
        first = first_of_each(outcomes)
        inserted = {digest for digest in first if (digest, fingerprint) not in self.verdicts}
        for digest in inserted:
            kept = replace(first[digest], retry_after_s=None)
            self.verdicts[digest, fingerprint] = kept
        late = {each for each, said in outcomes if each not in inserted or said != first[each]}
        return self.recall(late, fingerprint)

    def settle_intents(self, opened: Pass, writer: Writer, now: float) -> int:
        """Try again what was on its way to an external writer; how many writes that were."""
        del now
        audit = self.runs[opened.run].audit
        writes = [
            Write(known.change, identity, redo=True)
            for identity, known in audit.items()
            if known.status is ChangeStatus.INTENT
        ]
        if not writes or self._row(opened) is None:
            return 0
        receipts = writer.apply(writes, None)
        if self._row(opened) is not None:
            audit.update(with_results({}, list(zip(writes, receipts, strict=True))))
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
        refuse_repeated(opened, checkpoint.settled)
        if self._row(opened) is None:
            return self._superseded(opened)
        audited = self._audited(opened, checkpoint.settled)
        writes = plan_writes(opened, checkpoint.settled, audited)
        is_apart = writer is None or writer.database != self.database
        if writes and is_apart:
            opened = self._intend(opened, writes)
        with nullcontext() if is_apart else _undone_on_error(writer):
            audited = with_results(audited, _apply(writer, writes))
            row = self._row(opened)
            if row is None:
                return self._superseded(opened)
            items = finals(opened, checkpoint.settled, audited)
            _refuse_second(row, items)
            self._tell(opened, checkpoint, on_commit)
        self.runs[opened.run].audit.update(audited)
        said = [(item.item_digest, item.outcome) for item in checkpoint.settled]
        self.record(fingerprint, worth_recording(said), now)
        return self.runs[opened.run].store(row, opened, checkpoint, items)

    def written(self, run: str) -> list[WrittenRow]:
        """The rows that all commits of a run have written, in that order, also those put back."""
        return self.runs[run].written() if run in self.runs else []

    def dry_run_rows(self, run: str, number: int) -> int | None:
        """How many rows this pass of a run settled; None when it is no finished dry run."""
        row = self._pass(run, number)
        if row is None or row.opened.mode is Mode.COMMIT or row.status is not PassStatus.DONE:
            return None
        return row.opened.settled

    def evaluated(self, run: str, number: int, keys: Collection[Key]) -> dict[Key, Evaluated]:
        """What this pass of a run settled of these items, as far as it met them."""
        row = self._pass(run, number)
        outcomes = {} if row is None else row.outcomes
        found = {key: outcomes.get(encode_key(key)) for key in keys}
        return {key: _evaluated(final) for key, final in found.items() if final is not None}

    def close_step(self, opened: Pass, decision: Decision, now: float) -> None:
        """Record how the step ended and let the lease go; nothing when the run was opened since."""
        del now
        row = self._unopened_since(opened)
        if row is not None and row.status is PassStatus.OPEN:
            self._release(opened)
            row.status, row.last_decision = status_after(decision), decision

    def close(self) -> None:
        """Nothing to let go of."""

    def _find(self, run: MemoryRun, request: PassRequest, holder: str) -> Pass | None:
        found = [row for row in run.resumable() if row.opened.mode is request.mode]
        if not found:
            return None
        row = found[-1]
        if not row.is_for(request):
            row.status = PassStatus.ABANDONED
            return None
        row.status = PassStatus.OPEN
        row.renew(request)
        resumed = row.opened.settled > 0 or run.breaker.snoozes > 0
        row.opened = replace(row.opened, holder=holder, resumed=resumed, breaker=run.breaker)
        return row.opened

    def _start(self, run: MemoryRun, request: PassRequest, holder: str) -> Pass:
        number = 1 + len(run.passes)
        opened = Pass(
            self._next_id, request.run, request.mode, number, 1, holder, breaker=run.breaker
        )
        self._next_id += 1
        row = MemoryPass(opened, request)
        run.passes.append(row)
        return opened

    def _pass(self, run: str, number: int) -> MemoryPass | None:
        passes = self.runs[run].passes if run in self.runs else []
        return next((row for row in passes if row.opened.number == number), None)

    def _row(self, opened: Pass) -> MemoryPass | None:
        """The open pass, when this worker is the one to move it."""
        for row in self.runs[opened.run].passes:
            if row.opened.id == opened.id and row.opened.version == opened.version:
                return row if row.status is PassStatus.OPEN else None
        return None

    def _unopened_since(self, opened: Pass) -> MemoryPass | None:
        """The pass, when nobody opened the run since."""
        for row in self.runs[opened.run].passes:
            if row.opened.id == opened.id and row.version_at_open <= opened.version:
                return row
        return None

    def _release(self, opened: Pass) -> None:
        run = self.runs[opened.run]
        if run.holder == opened.holder:
            run.holder, run.expires_at = None, 0.0

    def _tell(self, opened: Pass, checkpoint: Checkpoint, on_commit: OnCommit | None) -> None:
        """Call `on_commit` with the lease let go."""
        if on_commit is None:
            return
        run = self.runs[opened.run]
        lease = run.holder, run.expires_at
        self._release(opened)
        try:
            on_commit(_NO_CONNECTION, checkpoint.cursor)
        except BaseException:
            run.holder, run.expires_at = lease
            raise

    def _superseded(self, opened: Pass) -> Superseded:
        holder = self.runs[opened.run].holder
        return Superseded() if holder in {None, opened.holder} else Superseded(str(holder))

    def _audited(self, opened: Pass, settled: Sequence[Settled]) -> dict[str, Audited]:
        if opened.mode is Mode.DRY_RUN:
            return {}
        audit = self.runs[opened.run].audit
        keys = [idempotency_key(opened, item.item_key) for item in settled]
        return {key: audit[key] for key in keys if key in audit}

    def _intend(self, opened: Pass, writes: Sequence[Write]) -> Pass:
        row = self._row(opened)
        if row is not None:
            row.opened = replace(row.opened, version=row.opened.version + 1)
            opened = replace(opened, version=row.opened.version)
        audit = self.runs[opened.run].audit
        for write in writes:
            audit[write.idempotency_key] = Audited(write.change, ChangeStatus.INTENT)
        return opened


def _apply(writer: Writer | None, writes: Sequence[Write]) -> list[tuple[Write, Receipt]]:
    if writer is None or not writes:
        return []
    return list(zip(writes, writer.apply(writes, None), strict=True))


def _undone_on_error(writer: Writer | None) -> AbstractContextManager[None]:
    return writer.transaction() if isinstance(writer, MemoryWriter) else nullcontext()


def _refuse_second(row: MemoryPass, items: Sequence[Final]) -> None:
    if row.outcomes.keys() & {encode_key(item.settled.item_key) for item in items}:
        raise SourceError(met_twice(row.opened))


def _evaluated(final: Final) -> Evaluated:
    verdict = final.settled.outcome.verdict
    label = None if verdict is None else str(verdict.label)
    confidence = None if verdict is None else verdict.confidence
    return Evaluated(final.settled.item_digest, final.before, label, confidence)
