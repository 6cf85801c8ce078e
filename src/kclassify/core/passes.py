"""A pass as the ledger keeps it, and what one write transaction adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

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
    None is the first that is free, or the pass as a whole where it is not divided.
    """

    run: str
    mode: Mode
    fingerprint: str
    model: str
    source: str
    override: str | None = None
    gate: str | None = None
    gate_refusal: str | None = None
    shard: int | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """An open pass and the lease on its run.

    `version` is the fence: every write transaction moves it by compare-and-set. `settled` counts
    the items of this pass that are behind the cursor. `resumed` says that there was work before.
    `breaker` is what all workers of the run shared when this one last looked.
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
