"""What each job system did in each case, as the tests saw it and as docs/job-systems.md tells it.

Each case ends with `record(...)`, which compares the row with the document's. To write the rows of
the document anew: `pytest tests/job_systems -m "slow or nightly" --write-results`.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.job_systems.driver import Case

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "job-systems.md"
HEADER = (
    "| system | case | written / distinct / rows | snoozes | attempts they spent "
    "| calls paid twice | goes on by |"
)
FIRST, LAST = "<!-- results of the job systems -->", "<!-- end of the results -->"
ITSELF, KICK = "itself", "`kick`"


@dataclass(frozen=True, slots=True)
class Result:
    """One case of one system. What differs from run to run is told as a bound."""

    system: str
    case: Case
    rows: int
    distinct: int
    items: int
    snoozes: str
    attempts: str
    paid_twice: str
    healed: bool

    @property
    def place(self) -> tuple[str, str]:
        """What it is about."""
        return self.system, str(self.case)

    def __str__(self) -> str:
        written = f"{self.rows} / {self.distinct} / {self.items}"
        cells = (*self.place, written, self.snoozes, self.attempts, self.paid_twice)
        return f"| {' | '.join(cells)} | {KICK if self.healed else ITSELF} |"


@dataclass(frozen=True, slots=True)
class NotFor:
    """A case that cannot happen to a system, and why."""

    system: str
    case: Case
    why: str

    @property
    def place(self) -> tuple[str, str]:
        """What it is about."""
        return self.system, str(self.case)

    def __str__(self) -> str:
        return f"| {' | '.join(self.place)} | cannot happen: {self.why} | | | | |"


Record = Callable[[Result | NotFor], None]
"""Compares a result with the document's, or puts it there: the fixture `record`."""


def documented() -> dict[tuple[str, str], str]:
    """The rows of the document, by system and case."""
    if not DOCUMENT.exists():
        return {}
    inside = DOCUMENT.read_text(encoding="utf-8").partition(FIRST)[2].partition(LAST)[0]
    lines = [
        line
        for line in inside.splitlines()
        if line.startswith("| ") and not line.startswith("| system ")
    ]
    return {(line.split("|")[1].strip(), line.split("|")[2].strip()): line for line in lines}


def write(result: Result | NotFor) -> None:
    """Put a row into the document, also while other processes put others there."""
    with Path(__file__).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = documented() | {result.place: str(result)}
        order = [str(case) for case in Case]
        kept = sorted(rows, key=lambda place: (place[0], order.index(place[1])))
        text = DOCUMENT.read_text(encoding="utf-8")
        before, _, rest = text.partition(FIRST)
        assert LAST in rest, f"{DOCUMENT} has no place for the results"
        lines = [HEADER, "|---|---|---|---|---|---|---|", *(rows[place] for place in kept)]
        table = "\n".join(lines)
        DOCUMENT.write_text(f"{before}{FIRST}\n{table}\n{LAST}{rest.partition(LAST)[2]}", "utf-8")
