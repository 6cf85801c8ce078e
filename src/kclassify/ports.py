"""What the runner needs from the outside: every Protocol on one page.

Sources, writers and ledgers are synchronous: the runner calls them from one worker thread, one call
at a time, so none of them needs a lock or an async driver.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kclassify.core.availability import Breaker, Suspect
from kclassify.core.decision import Decision, Halt
from kclassify.core.item import Item, Key
from kclassify.core.policy import Action, Change
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome

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
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class UnknownLabel:
    """A current label that the taxonomy does not know, how many rows have it, and some of them."""

    label: str
    rows: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """How many items a source holds, and the labels among them that the taxonomy does not know."""

    items: int
    unknown: tuple[UnknownLabel, ...] = ()


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


class WriteResult(StrEnum):
    """What became of one change."""

    WRITTEN = "written"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Write:
    """A change on its way to a writer.

    `idempotency_key` is the same each time the same write is tried. `redo` says that an earlier try
    may have arrived: finding the new label already there is then success, not a conflict. `extra`
    holds what the row's extra columns held before: the receipt of a write has it, a rollback hands
    it back.
    """

    change: Change
    idempotency_key: str
    redo: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Receipt:
    """A writer's answer for one write: its result, and what it replaced in extra columns (JSON)."""

    result: WriteResult
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Writer(Protocol):
    """Where changes go. One call at a time, always from the same thread."""

    @property
    def database(self) -> str | None:
        """The identity of its database (`Database.identity`), None if there is none."""
        ...

    def check(self) -> None:
        """Raise `WriterError` when labels cannot be written."""
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


class Mode(StrEnum):
    """What a pass does with a confident change."""

    DRY_RUN = "dry-run"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class PassRequest:
    """What a worker wants to work on. `override` is the reason for a commit without a gate."""

    run: str
    mode: Mode
    fingerprint: str
    model: str
    source: str
    override: str | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """An open pass and the lease on its run.

    `version` is the fence: every write transaction moves it by compare-and-set. `settled` counts
    the items of this pass that are behind the cursor. `resumed` says that there was work before.
    """

    id: int
    run: str
    mode: Mode
    number: int
    version: int
    holder: str
    cursor: Key | None = None
    settled: int = 0
    resumed: bool = False
    breaker: Breaker = field(default_factory=Breaker)
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """An item with its outcome and what becomes of it: a change, or the reason for none."""

    item_key: Key
    item_digest: str
    current: str | None
    outcome: Outcome[str]
    action: Change | Action


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One write transaction: settled items in order, the cursor they move to, and the run's state.

    `settled` may be empty: the state alone is stored then.
    """

    settled: Sequence[Settled]
    cursor: Key | None
    breaker: Breaker
    suspects: tuple[Suspect, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a checkpoint did: the pass as it is now, and each settled item's action, in order."""

    opened: Pass
    actions: Sequence[Action]


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

        `Superseded` when another worker holds the lease.
        """
        ...

    def heartbeat(self, opened: Pass, now: float, lease_s: float) -> bool:
        """Prolong the lease; False when it was lost."""
        ...

    def recall(self, digests: Collection[str], fingerprint: str) -> Mapping[str, Outcome[str]]:
        """The recorded outcomes among these items, by item digest, each marked as recalled."""
        ...

    def record(
        self, fingerprint: str, outcomes: Sequence[tuple[str, Outcome[str]]], now: float
    ) -> None:
        """Store outcomes by item digest, all in one transaction; one that is there stays."""
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

        `Superseded` when another worker moved the cursor first; nothing is written then.
        """
        ...

    def close_step(self, opened: Pass, decision: Decision, now: float) -> None:
        """Record how the step ended and let the lease go; nothing when the lease was lost.

        `Done` ends the pass, so that the next `open` starts a new one.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
