"""What checks find, gathered: alike cases are one finding, with the first of them as evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kclassify.core.finding import Finding, Invariant
from kclassify.core.item import decode_key

EXAMPLES = 5

Tell = Callable[[Invariant, str, str, int], None]
"""Takes an invariant, a message, a line of evidence, and how many cases it stands for."""

_Kind = tuple[Invariant, str]


@dataclass(slots=True)
class _Cases:
    count: int = 0
    evidence: list[str] = field(default_factory=list[str])

    def add(self, evidence: str, count: int) -> None:
        self.count += count
        if evidence and len(self.evidence) < EXAMPLES:
            self.evidence.append(evidence)


class Found:
    """Findings and remarks so far; `alone` makes findings of what else are remarks."""

    def __init__(self, *, alone: bool = False) -> None:
        self.alone = alone
        self._broken: dict[_Kind, _Cases] = {}
        self._remarked: dict[_Kind, _Cases] = {}
        self.unchecked: list[str] = []
        self.checked: set[Invariant] = set()

    def broken(
        self, invariant: Invariant, message: str, evidence: str = "", count: int = 1
    ) -> None:
        """An invariant that does not hold."""
        self._broken.setdefault((invariant, message), _Cases()).add(evidence, count)

    def remark(
        self, invariant: Invariant, message: str, evidence: str = "", count: int = 1
    ) -> None:
        """What is no fault of the run's, whoever else writes to the table."""
        self._remarked.setdefault((invariant, message), _Cases()).add(evidence, count)

    def suspect(
        self, invariant: Invariant, message: str, evidence: str = "", count: int = 1
    ) -> None:
        """What another program may have done as well as a fault: broken when there is no other."""
        tell = self.broken if self.alone else self.remark
        tell(invariant, message, evidence, count)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The invariants that do not hold, by number."""
        return _told(self._broken)

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """What else is worth a look, by number."""
        return _told(self._remarked)


def _told(cases: dict[_Kind, _Cases]) -> tuple[Finding, ...]:
    told = [
        Finding(invariant, message, each.count, tuple(each.evidence))
        for (invariant, message), each in cases.items()
    ]
    return tuple(sorted(told, key=lambda finding: finding.invariant))


def spelt(key: str) -> str:
    """An encoded key for people: what is not to be printed is escaped."""
    decoded = decode_key(key)
    return repr(decoded) if isinstance(decoded, str) else str(decoded)


def told_label(label: str | None) -> str:
    """A label for people."""
    return "no label" if label is None else repr(label)
