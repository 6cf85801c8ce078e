"""What the runner needs from the outside: every Protocol on one page.

Sources, writers and ledgers are synchronous: the runner calls them from one worker thread, one call
at a time, so none of them needs a lock or an async driver.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from kclassify.core.availability import Breaker as Breaker
from kclassify.core.canary import SpotCheck as SpotCheck
from kclassify.core.canary import Tranches as Tranches
from kclassify.core.canary import WrittenRow as WrittenRow
from kclassify.core.decision import Decision, Halt
from kclassify.core.division import Division as Division
from kclassify.core.evaluated import Evaluated as Evaluated
from kclassify.core.gate import Evidence
from kclassify.core.item import Item, Key
from kclassify.core.passes import Checkpoint as Checkpoint
from kclassify.core.passes import Mode as Mode
from kclassify.core.passes import Pass as Pass
from kclassify.core.passes import PassRequest as PassRequest
from kclassify.core.passes import Recorded as Recorded
from kclassify.core.passes import Settled as Settled
from kclassify.core.passes import Shard as Shard
from kclassify.core.shared_concurrency import Share as Share
from kclassify.core.survey import Survey as Survey
from kclassify.core.survey import UnknownLabel as UnknownLabel
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome
from kclassify.core.write import Receipt as Receipt
from kclassify.core.write import Write as Write
from kclassify.core.write import WriteResult as WriteResult

if TYPE_CHECKING:
    from sqlalchemy import Connection

L_co = TypeVar("L_co", bound=str, covariant=True)
OnCommit = Callable[["Connection", Key | None], None]
"""Called inside a step's last write transaction, to enqueue the next step with it."""


class Signal(Protocol):
    """Something that happens once; `anyio.Event` is one."""

    async def wait(self) -> None:
        """Return once it has happened."""
        ...

    def is_set(self) -> bool:
        """Whether it has happened."""
        ...


class Clock(Protocol):
    """Time, so that tests can own it. Seconds, all of it."""

    def now(self) -> float:
        """Unix time, which never goes back within a process."""
        ...

    async def wait(self, signal: Signal, seconds: float | None) -> None:
        """Wait for the signal, at most so many seconds (None: for ever)."""
        ...


class Classifier(Protocol[L_co]):
    """Says what one item is. `kclassify.Classifier` is one; so is `LocalClassifier`."""

    @property
    def taxonomy(self) -> Taxonomy[L_co]:
        """The labels it may give."""
        ...

    @property
    def model(self) -> str:
        """The model that is asked."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest of taxonomy, prompt, model, parameters and output schema."""
        ...

    async def judge(self, item: Item) -> Outcome[L_co] | Halt:
        """What happened to the item, or why no item can be judged; raises no provider error."""
        ...

    async def aclose(self) -> None:
        """Let go of connections; a later call opens new ones."""
        ...


@runtime_checkable
class Explained(Protocol):
    """A classifier that also says what its fingerprint is made of, so that a refusal can name it.

    Two with equal parts have equal fingerprints, and the other way round.
    """

    @property
    def fingerprint_parts(self) -> Mapping[str, str]:
        """Digests or names: `taxonomy`, `model`, `prompt`, `parameters`, `schema`, `training`."""
        ...


class Canary(Protocol):
    """Where people's checks of written rows come from: `kclassify.canary_file.CanaryFile`."""

    def checks(self) -> Iterable[SpotCheck]:
        """All of them so far; those of rows that were not written do not count."""
        ...


class Gate(Protocol):
    """Where the record of an evaluation is kept. `kclassify.gate_file.GateFile` is one."""

    def read(self) -> Evidence:
        """What is there now; a file that cannot be read is a `problem`, no error."""
        ...


class Source(Protocol):
    """Where items come from, in an order that does not change while rows are written."""

    @property
    def description(self) -> str:
        """One line for people, without secrets: `articles in sqlite:///articles.db`."""
        ...

    def survey(self, known: Collection[str]) -> Survey:
        """Count the items and find unknown labels. Raises `SourceError`."""
        ...

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        """At most `limit` items whose keys follow `after`; fewer than `limit` means the end."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@runtime_checkable
class Divisible(Source, Protocol):
    """A source that several workers can share, each with a part of its own."""

    def part(self, after: Key | None, until: Key | None, limit: int) -> Sequence[Item]:
        """At most `limit` items whose keys follow `after` and do not follow `until`.

        Fewer than `limit` means the end of the part.
        """
        ...

    def divide(self, parts: int, after: Key | None = None, until: Key | None = None) -> Division:
        """Where to divide the items whose keys follow `after` and do not follow `until`.

        At most `parts` of equal size, give or take one item; fewer where the items are fewer.
        """
        ...


class Writer(Protocol):
    """Where changes go. One call at a time, always from the same thread."""

    @property
    def database(self) -> str | None:
        """The identity of its database (`Database.identity`), None if there is none."""
        ...

    def check(self, labels: Collection[str] = ()) -> None:
        """Raise `WriterError` when labels, or one of these, cannot be written; writes nothing."""
        ...

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        """Compare-and-set each row: one receipt a write, in order.

        `connection` is the open transaction to write in when the ledger shares the database; else
        the writer opens and commits its own.
        """
        ...

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        """Put `before` back where the row still holds `after`: the inverse of `apply`."""
        ...

    def finish(self) -> None:
        """Called when a pass is done, and after a rollback: a file is put in place here."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Ledger(Protocol):
    """The tables that hold runs, verdicts, outcomes, the audit of writes and the lease.

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
        that one is done, else `Superseded`.
        """
        ...

    def divide(
        self, opened: Pass, division: Division, now: float, lease_s: float
    ) -> Pass | Decision:
        """Cut a pass, or a shard of it, at these bounds; its first part stays with this worker.

        The others wait for workers. `Superseded` when another worker moved the cursor first.
        """
        ...

    def end_shard(self, opened: Pass, now: float) -> bool:
        """Whether this shard is the last of its pass; one that is not is done now, its lease ended.

        The last one is ended by `close_step`, as is a pass in one piece.
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
        self, fingerprint: str, outcomes: Sequence[tuple[str, Outcome[str]]], now: float
    ) -> Mapping[str, Outcome[str]]:
        """Store outcomes by item digest, all in one transaction; one that is there stays.

        Returns those that were there, by item digest: they count instead of the ones given.
        """
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

        `Done` ends the pass, so that the next `open` starts a new one.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
