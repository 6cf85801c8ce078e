"""The ledger: what a run leaves behind, and the leases on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kclassify.core.availability import Breaker
from kclassify.core.canary import WrittenRow
from kclassify.core.decision import Decision
from kclassify.core.division import Division
from kclassify.core.evaluated import Evaluated
from kclassify.core.item import Key
from kclassify.core.passes import Checkpoint, Mode, Pass, PassRequest, Recorded
from kclassify.core.shared_concurrency import Share
from kclassify.core.spending import NOTHING, Charge, Hold, Spending
from kclassify.core.verdict import Outcome
from kclassify.ports.batches import BatchLedger
from kclassify.ports.stores import Writer

if TYPE_CHECKING:
    from sqlalchemy import Connection

OnCommit = Callable[["Connection", Key | None], None]
"""Called inside a step's last write transaction, to enqueue the next step with it."""


class Ledger(Protocol):
    """The tables that hold runs, verdicts, outcomes, the audit, the lease and what was spent.

    `now` is Unix time in seconds. Raises `DatabaseError` when it cannot be reached.
    """

    @property
    def description(self) -> str:
        """One line for people, without secrets."""
        ...

    def open(
        self, request: PassRequest, holder: str, now: float, lease_s: float
    ) -> Pass | Decision:
        """Take the lease and find the pass to go on with, or start the next one.

        `Superseded` when another worker holds the lease. Of a divided pass it is a shard, with a
        lease of its own: that of the request, or the first free one; `Advance` with `Pause.SHARD`
        when that is done. A request for another pass than the one to go on with gets `Done` when
        that one is done, else `Superseded`; so does one whose ticket is older than another's that
        was here.
        """
        ...

    def renew(self, request: PassRequest, now: float) -> int | None:
        """The number of the unfinished pass that jobs work on already; None when there is none.

        Its steps that have stopped are due again. Nothing is opened, and who works on it goes on.
        """
        ...

    def divide(
        self, opened: Pass, division: Division, now: float, lease_s: float
    ) -> Pass | Decision:
        """Cut a pass, or a shard of it, at these bounds; its first part stays with this worker.

        The others wait for workers. `Superseded` when another worker moved the cursor first.
        """
        ...

    def want_parts(self, run: str, mode: Mode, shard: int | None, into: int) -> int:
        """Have the next step of an unfinished pass, or shard, cut it; the number of the pass.

        Raises `UsageError` where there is no such pass or shard.
        """
        ...

    def end_shard(self, opened: Pass, now: float) -> bool | Decision:
        """Whether this shard is the last of its pass; one that is not is done now, its lease ended.

        The last one is ended by `close_step`, as is a pass in one piece. `Superseded` when another
        worker took over.
        """
        ...

    def share(self, opened: Pass, total: int, in_flight: int, now: float, lease_s: float) -> Share:
        """What this worker may have in flight of the `total` that all workers of the pass share."""
        ...

    def heartbeat(self, opened: Pass, now: float, lease_s: float) -> bool:
        """Prolong the lease; False when it was lost."""
        ...

    def breaker(self, run: str) -> Breaker:
        """What the workers of a run know of an outage by now; a closed one of a run not there.

        Asked from the thread of the heartbeat, so that a worker hears of what others met.
        """
        ...

    def recall(self, digests: Collection[str], fingerprint: str) -> Mapping[str, Outcome[str]]:
        """The recorded outcomes among these items, by item digest, each marked as recalled."""
        ...

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

        Returns those that were there, by item digest: they count instead of the ones given. The
        charge is added to the step of `opened` in the same transaction, whoever holds the lease by
        now, and is no longer held for its calls. Charges of a step that have a `number` come in its
        order, from 1: one that was added already is not added again.
        """
        ...

    def reserve(self, opened: Pass, budget: int, wanted: int, now: float) -> Hold:
        """Hold so much of the run's budget in all for calls of this step, or what there is of it.

        What it holds beyond that is given back, so `wanted` is at least what its calls in flight
        can cost. All in nanodollars. What all steps and batches of the run have spent, may have
        spent and hold is never more than the budget afterwards, unless it was before.
        """
        ...

    def spending(self, run: str) -> Spending:
        """What a run has spent in all its passes; nothing of a run that is not there."""
        ...

    @property
    def batches(self) -> BatchLedger:
        """What it remembers of batches."""
        ...

    def settle_intents(self, opened: Pass, writer: Writer, now: float) -> int:
        """Finish the external writes whose fate a crash left unknown; how many there were."""
        ...

    def checkpoint(
        self,
        opened: Pass,
        fingerprint: str,
        checkpoint: Checkpoint,
        writer: Writer | None,
        now: float,
        on_commit: OnCommit | None = None,
    ) -> Recorded | Decision:
        """Write, audit, outcomes, tallies and cursor: one transaction where a database is shared.

        `Superseded` when another worker moved the cursor first; nothing is written then. With
        `on_commit` the lease ends in the same transaction, before it is called, so that the step it
        enqueues finds the run free.

        The breaker is that of the run, not of the pass: `core.shared_breaker.merged` makes one of
        what `opened` saw, what the checkpoint holds and what others stored since. The pass that
        comes back has it.
        """
        ...

    def written(self, run: str) -> Sequence[WrittenRow]:
        """The rows that all commits of a run have written, in that order, also those put back.

        A write that an unfinished pass has not settled yet is not among them.
        """
        ...

    def dry_run_rows(self, run: str, number: int) -> int | None:
        """How many rows this pass of a run settled; None when it is no finished dry run."""
        ...

    def evaluated(self, run: str, number: int, keys: Collection[Key]) -> Mapping[Key, Evaluated]:
        """What this pass of a run settled of these items, as far as it met them."""
        ...

    def close_step(self, opened: Pass, decision: Decision, now: float) -> None:
        """Record how the step ended and let the lease go; nothing once another worker opened.

        What the step still holds of the budget is let go, whoever opened since.

        `Done` ends the pass, so that the next `open` starts a new one.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
