"""The canary: people look at some of the rows that were written, before the next ones are.

A commit may go in tranches. After each of them it waits until enough of the written rows were
checked, and ends when too many of those are wrong. Pure: checks and counts in, what to do out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kclassify.core.decision import Halt
from kclassify.core.e_process import EProcess
from kclassify.core.gate_record import CheckName, GateRecord
from kclassify.core.item import Key


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """The label that a person gave to a row. A key counts by its text: `1` is `"1"`.

    `place` is where it was given, for people: a file and its line.
    """

    key: Key
    gold: str
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row that a run has written: the label it got, and its item's digest.

    `key` is its key as text. `finished` says that a commit has come to its end since, so that its
    tranche is waited for no more. The digest is None for a write that a crash left unsettled.
    `reverted` says that a rollback has been over it: it put the row back, or found it changed.
    `gates` are the digests of the records by which its pass wrote.
    """

    key: str
    label: str
    digest: str | None = None
    finished: bool = False
    reverted: bool = False
    gates: tuple[str, ...] = ()

    def is_evidence(self, gate: str | None) -> bool:
        """Whether it tells of what is written now, by the record of this digest.

        A rollback undoes writes, but not what they have shown of the record that allowed them.
        """
        return not self.reverted or gate in self.gates


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
class Inspection:
    """What people have seen of the rows that a run has written.

    `spotted` is over all of them. `tranches` are those since the last commit that came to its end
    that were not put back, in the order in which they were written: whether each was looked at,
    None for one that nobody needs to look at.
    """

    spotted: Spotted
    tranches: tuple[bool | None, ...]

    @classmethod
    def of(
        cls,
        rows: Sequence[WrittenRow],
        checks: Iterable[SpotCheck],
        sampled: Collection[str] = frozenset(),
        gate: str | None = None,
    ) -> Inspection:
        """Of several checks of a row the last counts, and of several writes of it, too.

        Checks of rows that were not written count for nothing, nor do those of items among
        `sampled`, by digest: the gate has counted them already. Those of rows that were put back
        count only when they were written by `gate`, the record that is to allow more.
        """
        gold = {str(check.key): check.gold for check in checks}
        evidence = [row for row in rows if row.is_evidence(gate)]
        seen = [
            gold[row.key] == row.label
            for row, is_fresh in _fresh(evidence, sampled)
            if is_fresh and row.key in gold
        ]
        marks = [
            row.key in gold if is_fresh else None
            for row, is_fresh in _fresh([row for row in rows if not row.reverted], sampled)
            if not row.finished
        ]
        return cls(Spotted(sum(seen), len(seen) - sum(seen)), tuple(marks))

    @property
    def written(self) -> int:
        """The rows written since the last commit that came to its end."""
        return len(self.tranches)

    def wanted(self, tranches: Tranches) -> int:
        """Spot checks wanted by now: those of each tranche that is complete."""
        return sum(wanted for wanted, _ in self._counts(tranches))

    def checked(self, tranches: Tranches) -> int:
        """How many of the wanted ones are there; one tranche has none to spare for another."""
        return sum(min(there, wanted) for wanted, there in self._counts(tranches))

    def _counts(self, tranches: Tranches) -> Iterator[tuple[int, int]]:
        for end in range(tranches.rows, self.written + 1, tranches.rows):
            marks = [mark for mark in self.tranches[end - tranches.rows : end] if mark is not None]
            yield min(tranches.checks, len(marks)), sum(marks)


def _fresh(
    rows: Sequence[WrittenRow], sampled: Collection[str]
) -> Iterator[tuple[WrittenRow, bool]]:
    """Each write, and whether a check of it counts: the last of its row, of no sampled item."""
    latest = {row.key: place for place, row in enumerate(rows)}
    for place, row in enumerate(rows):
        yield row, latest[row.key] == place and row.digest not in sampled


@dataclass(frozen=True, slots=True)
class Pending:
    """A tranche waits for people: so many spot checks are still wanted."""

    missing: int


def go_on(
    tranches: Tranches | None, inspection: Inspection, standard: Standard | None
) -> Halt | Pending | int | None:
    """What a commit does next: end, wait, or write so many rows (None: all there are).

    Without a standard nothing ends it.
    """
    halt = None if standard is None else inspection.spotted.drift(standard)
    if halt is not None or tranches is None:
        return halt
    missing = inspection.wanted(tranches) - inspection.checked(tranches)
    return Pending(missing) if missing else tranches.left(inspection.written)
