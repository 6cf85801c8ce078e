"""A pass as the ledger keeps it, and what one write transaction adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kclassify.core.availability import Breaker, Suspect
from kclassify.core.item import Key
from kclassify.core.policy import Action, Change
from kclassify.core.verdict import Outcome


class Mode(StrEnum):
    """What a pass does with a confident change."""

    DRY_RUN = "dry-run"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class PassRequest:
    """What a worker wants to work on.

    A commit has either `gate`, the digest of the record that allows it, or `override`, the reason
    for writing without one; `gate_refusal` is what that set aside. `shard` is the one to work on;
    None is the first that is free, or the pass as a whole where it is not divided. With a `number`
    no other pass is gone on with or begun. `job` is what the jobs of the pass carry, where it is
    worked on by jobs that may get lost; `ticket` is that of the job that asks. One with a lower
    ticket than another had before it is of a chain that was thought lost, and ends.
    """

    run: str
    mode: Mode
    fingerprint: str
    model: str
    source: str
    override: str | None = None
    gate: str | None = None
    gate_refusal: str | None = None
    number: int | None = None
    shard: int | None = None
    job: Mapping[str, Any] | None = None
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a divided pass: the items that follow `after` and do not follow `until`.

    Where there is no bound, it reaches as far as the source does.
    """

    id: int
    number: int
    after: Key | None = None
    until: Key | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """An open pass, or a shard of one, and the lease on it.

    `version` is the fence: every write transaction moves it by compare-and-set. `settled` counts
    the items that are behind the cursor, those of this shard where there is one; `elsewhere` those
    of the other shards, as of the opening. `resumed` says that there was work before. `breaker` is
    what all workers of the run shared when this one last looked. `limit` is how many calls ran at
    once when the step before ended, None where that is too long ago to tell. `wanted_parts` is into
    how many it is to be cut before the work on it goes on. `step` is the row that this
    step is tallied in; `last_call_at` (Unix seconds) when this classifier was last answered in this
    run, None where it never was: a cache at the provider may still be warm. `has_stray_changes`
    says that the audit may hold changes of items that are not settled: they were on their way to a
    writer apart when a worker died. `run_id` is the row of the run, where the ledger has rows.
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
    shard: Shard | None = None
    elsewhere: int = 0
    limit: int | None = None
    wanted_parts: int = 1
    step: int = 0
    last_call_at: float | None = None
    has_stray_changes: bool = field(default=True, compare=False)
    run_id: int | None = field(default=None, compare=False)

    @property
    def start(self) -> Key | None:
        """The key that the next item follows."""
        bound = None if self.shard is None else self.shard.after
        return bound if self.cursor is None else self.cursor


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

    `settled` may be empty: the state alone is stored then. `limit` is how many calls may run at
    once by now.
    """

    settled: Sequence[Settled]
    cursor: Key | None
    breaker: Breaker
    suspects: tuple[Suspect, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a checkpoint did: the pass as it is now, and each settled item's action, in order."""

    opened: Pass
    actions: Sequence[Action]
