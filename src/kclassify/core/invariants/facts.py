"""What a check needs to know of a run, whatever ledger keeps it. Keys are encoded throughout."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kclassify.core.passes import Mode
from kclassify.core.states import PassStatus

Ending = tuple[str, str, str | None, str | None]
"""Kind of outcome, action, label before, label after: what a pass counts."""


@dataclass(frozen=True, slots=True)
class PartFact:
    """A pass in one piece, or a shard of one: a stretch of the source with a cursor of its own.

    `number` is that of the shard, 0 for a pass in one piece. It holds the keys that follow `after`
    and do not follow `until`.
    """

    number: int
    status: PassStatus
    version: int
    version_at_open: int
    cursor: str | None
    settled: int
    after: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class PassFact:
    """A pass. `tallies` are its counts of items that ended alike, `shards` what it is cut into.

    `settled` counts the items of all shards.
    """

    number: int
    mode: Mode
    status: PassStatus
    fingerprint: str
    source: str
    version: int
    version_at_open: int
    cursor: str | None
    settled: int
    gate: str | None = None
    override: str | None = None
    tallies: Mapping[Ending, int] = field(default_factory=dict[Ending, int])
    shards: Sequence[PartFact] = ()

    @property
    def parts(self) -> Sequence[PartFact]:
        """Its shards, or the one part that it is itself."""
        whole = PartFact(
            0, self.status, self.version, self.version_at_open, self.cursor, self.settled
        )
        return self.shards or (whole,)


@dataclass(frozen=True, slots=True)
class OutcomeFact:
    """What happened to one item in one pass. Kind and action are as stored, right or wrong."""

    key: str
    digest: str
    current: str | None
    kind: str
    label: str | None
    confidence: float | None
    action: str
    has_reason: bool
    recalled: bool


@dataclass(frozen=True, slots=True)
class VerdictFact:
    """What is recorded of one text."""

    kind: str
    label: str | None
    confidence: float | None


@dataclass(frozen=True, slots=True)
class ChangeFact:
    """A row of the audit. `reverted_at` is in Unix seconds, None where no times are kept.

    `confidence` is None where none is kept.
    """

    identity: str
    pass_number: int
    key: str
    before: str | None
    after: str
    status: str
    reverted_at: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class LeaseFact:
    """Who holds the run and whether that worker still lives; how often a worker took it."""

    holder: str | None
    is_alive: bool
    openings: int


class RunFacts(Protocol):
    """A run in a ledger, read at one moment. What is long comes in pages."""

    @property
    def passes(self) -> Sequence[PassFact]:
        """All of them, oldest first."""
        ...

    @property
    def strays(self) -> int:
        """How many rows of the audit name a pass of this run that is not there."""
        ...

    @property
    def lease(self) -> LeaseFact:
        """Who works on it."""
        ...

    def outcomes(self, number: int) -> Iterable[Sequence[OutcomeFact]]:
        """The outcomes of the pass of this number, in pages."""
        ...

    def outcomes_of(self, number: int, keys: Collection[str]) -> Mapping[str, OutcomeFact]:
        """Its outcomes of these items."""
        ...

    def verdicts_of(self, fingerprint: str, digests: Collection[str]) -> Mapping[str, VerdictFact]:
        """What is recorded of these texts."""
        ...

    def verdict_digests(self, fingerprints: Collection[str]) -> Iterable[str]:
        """The digests of all that these classifiers said, one for each of them."""
        ...

    def labels_said(self) -> Mapping[str, int]:
        """How many verdicts of the latest pass's classifier have each label."""
        ...

    def changes(self) -> Iterable[Sequence[ChangeFact]]:
        """The audit, in the order of its writes, in pages."""
        ...

    def changes_of(self, numbers: Collection[int], keys: Collection[str]) -> Sequence[ChangeFact]:
        """The changes of these items in these passes, in the order of their writes."""
        ...

    def identity(self, number: int, key: str) -> str:
        """The idempotency key that a write of this item in this pass has."""
        ...
