"""The canary: people look at some of the rows that were written, before the next ones are.

A commit may go in tranches. After each of them it waits until enough of the written rows were
checked, and ends when too many of those are wrong. Pure: checks and counts in, what to do out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kclassify.core.decision import Halt
from kclassify.core.e_process import EProcess
from kclassify.core.gate_record import CheckName, GateRecord
from kclassify.core.item import Key


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """The label that a person gave to a row. A key counts by its text: `1` is `"1"`."""

    key: Key
    gold: str


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows a pass has written, and the labels it gave to some of them, by key as text."""

    count: int = 0
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Tranches:
    """Rows to write before a pause, and the spot checks wanted of each tranche's rows.

    Raises `ValueError` for a tranche without rows and for fewer than no checks.
    """

    rows: int
    checks: int = 20

    def __post_init__(self) -> None:
        if self.rows < 1 or self.checks < 0:
            msg = f"a tranche has at least 1 row and 0 checks, not {self.rows} and {self.checks}"
            raise ValueError(msg)

    def left(self, written: int) -> int:
        """Rows until the next pause."""
        return self.rows - written % self.rows

    def wanted(self, written: int) -> int:
        """Spot checks wanted by now: those of every tranche that is complete."""
        return (written // self.rows) * min(self.checks, self.rows)


@dataclass(frozen=True, slots=True)
class Standard:
    """What written rows are held against: the share that is right, and the risk of a false alarm.

    The risk is that of the whole run, however often it is looked at.
    """

    target: float = 0.90
    delta: float = 0.10

    @classmethod
    def of(cls, record: GateRecord | None) -> Standard:
        """What the record's check of write precision was held against, if it says so."""
        checks = () if record is None else record.checks
        for check in checks:
            if check.name is CheckName.WRITE_PRECISION:
                target, delta = check.target, check.alpha
                if target is not None and delta is not None and 0 < target < 1 and 0 < delta < 1:
                    return cls(target, delta)
        return cls()


@dataclass(frozen=True, slots=True)
class Spotted:
    """How many of the written rows that people looked at are right, and how many wrong."""

    right: int = 0
    wrong: int = 0

    @property
    def total(self) -> int:
        """The written rows that people looked at."""
        return self.right + self.wrong

    @classmethod
    def of(cls, checks: Iterable[SpotCheck], written: Written) -> Spotted:
        """Checks of other rows do not count, and of several of one row the last does."""
        gold = {str(check.key): check.gold for check in checks}
        seen = [written.labels[key] == said for key, said in gold.items() if key in written.labels]
        return cls(sum(seen), len(seen) - sum(seen))

    def drift(self, standard: Standard) -> Halt | None:
        """The end of a run whose writes are shown to be worse than they may be."""
        if not EProcess(standard.target, standard.delta).is_drift(self.right, self.wrong):
            return None
        return Halt(
            f"the canary: {self.wrong} of {self.total} spot-checked writes are wrong, where at "
            f"most {1 - standard.target:.0%} may be: roll back with `kclassify rollback`, and "
            "evaluate again with `kclassify eval`"
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """A tranche waits for people: so many spot checks are still wanted."""

    missing: int


def go_on(
    tranches: Tranches | None, written: Written, spotted: Spotted, standard: Standard
) -> Halt | Pending | int | None:
    """What a commit does next: end, wait, or write so many rows (None: all there are)."""
    halt = spotted.drift(standard)
    if halt is not None or tranches is None:
        return halt
    wanted = tranches.wanted(written.count)
    if spotted.total < wanted:
        return Pending(wanted - spotted.total)
    return tranches.left(written.count)
