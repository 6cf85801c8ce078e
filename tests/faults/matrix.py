"""The fault matrix: what each fault led to, as the tests saw it and as the document tells it.

Every fault test ends with `record(...)`, which fails where the checker found something or where
more was paid twice than was in flight, and then compares the row with that of
docs/reliability.md. `python -m pytest tests/faults -m "slow or not slow" --write-matrix` writes
the rows of the document anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kclassify.core.finding import Verification

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
GROUPS = ("provider", "database", "process")
HEADER = "| fault | decision taken | items lost | double writes | calls paid twice |"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. `paid_twice` is a bound in words: `0`, or `at most 4, those in flight`."""

    group: str
    fault: str
    decision: str
    paid_twice: str = "0"
    lost: int = 0
    double_writes: int = 0

    def __str__(self) -> str:
        return (
            f"| {self.fault} | {self.decision} | {self.lost} | {self.double_writes} "
            f"| {self.paid_twice} |"
        )


Record = Callable[[Row], None]
"""Compares a row with the document's, or puts it there: the fixture `record`."""


def row_of(
    group: str, fault: str, decision: str, verification: Verification, *, in_flight: int = 0
) -> Row:
    """The row of a run that was verified; `in_flight` calls may have been paid twice."""
    assert verification.is_clean, verification.findings
    assert verification.paid_twice is not None, "give the checker the stub's log of requests"
    assert verification.paid_twice <= in_flight, f"{verification.paid_twice} paid twice"
    bound = f"at most {in_flight}, those in flight" if in_flight else "0"
    return Row(group, fault, decision, bound, verification.lost, verification.written_twice)


def marker(group: str) -> tuple[str, str]:
    """The lines between which the document holds the rows of a group."""
    return f"<!-- fault matrix: {group} -->", f"<!-- end of {group} -->"


def documented(group: str) -> dict[str, str]:
    """The rows of a group as the document has them, by fault."""
    first, last = marker(group)
    text = DOCUMENT.read_text(encoding="utf-8")
    lines = text.partition(first)[2].partition(last)[0].splitlines()
    rows = [line for line in lines if line.startswith("| ") and line != HEADER]
    return {line.split("|")[1].strip(): line for line in rows}


def write(rows: list[Row]) -> None:
    """Put these rows into the document, in place of those of the same faults."""
    for group in GROUPS:
        fresh = {row.fault: str(row) for row in rows if row.group == group}
        kept = documented(group) | fresh
        first, last = marker(group)
        text = DOCUMENT.read_text(encoding="utf-8")
        before, _, rest = text.partition(first)
        after = rest.partition(last)[2]
        table = "\n".join([HEADER, "|---|---|---|---|---|", *kept.values()])
        DOCUMENT.write_text(f"{before}{first}\n{table}\n{last}{after}", encoding="utf-8")
