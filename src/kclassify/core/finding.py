"""What the check of a run found against the invariants of the design."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Invariant(IntEnum):
    """The ten things that must always hold, by their numbers in docs/guarantees.md."""

    OUTAGE_PAUSES = 1
    ITEM_FAILURES_PASS_BY = 2
    SOME_FAILURES_HALT = 3
    NOTHING_PAID_TWICE = 4
    COMMIT_APPLIES_THE_DRY_RUN = 5
    COMPARE_AND_SET = 6
    ROLLBACK = 7
    ONE_WORKER = 8
    FAIL_CLOSED = 9
    NO_LABEL_INVENTED = 10

    @property
    def title(self) -> str:
        """What it says, in one line."""
        return _TITLES[self]


_TITLES = {
    Invariant.OUTAGE_PAUSES: "An outage pauses, it never skips",
    Invariant.ITEM_FAILURES_PASS_BY: "An item's own failure never pauses the run",
    Invariant.SOME_FAILURES_HALT: "Some failures end the run",
    Invariant.NOTHING_PAID_TWICE: "Nothing is paid twice",
    Invariant.COMMIT_APPLIES_THE_DRY_RUN: "Commit applies what the dry run showed",
    Invariant.COMPARE_AND_SET: "Writes are serial and compare-and-set",
    Invariant.ROLLBACK: "Every run can be rolled back",
    Invariant.ONE_WORKER: "One worker at a time, fenced by the ledger",
    Invariant.FAIL_CLOSED: "Fail closed",
    Invariant.NO_LABEL_INVENTED: "No label is invented",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant that does not hold: `message` in one line, `count` cases, the first as evidence.

    The evidence is one line each: keys, labels, numbers; never the text of an item.
    """

    invariant: Invariant
    message: str
    count: int = 1
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was looked at and what was found: `findings` is empty when every invariant held.

    `remarks` are what another program may have done as well as a fault, such as a row that was
    relabelled since. `unchecked` says in a line each what could not be looked at, for instance the
    calls, without the provider's log of requests. The figures count what the run is proud of;
    `behind_the_end` are items without an outcome that follow the last one of a finished pass.
    """

    findings: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()
    unchecked: tuple[str, ...] = ()
    items: int = 0
    lost: int = 0
    behind_the_end: int = 0
    written: int = 0
    written_twice: int = 0
    calls: int | None = None
    paid_twice: int | None = None
    checked: frozenset[Invariant] = field(default_factory=frozenset[Invariant])

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
