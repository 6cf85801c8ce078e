"""What a benchmark says: one thing in units of another that was measured in the same minutes."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

SAVED = Path(__file__).with_name("ratios.json")


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """`subject` is so many times `reference`; a mark is what it may be at most, or at least.

    `detail` has the figures themselves, which are this machine's.
    """

    group: str
    subject: str
    reference: str
    ratio: float
    at_most: float | None = None
    at_least: float | None = None
    detail: str = ""
    date: str = field(default_factory=_today)
    python: str = platform.python_version()
    processors: int = os.cpu_count() or 1

    @property
    def holds(self) -> bool:
        most = math.inf if self.at_most is None else self.at_most
        least = -math.inf if self.at_least is None else self.at_least
        return least <= self.ratio <= most

    @property
    def mark(self) -> str:
        """In words; empty where there is none."""
        bounds = {"at most": self.at_most, "at least": self.at_least}
        return ", ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)

    @property
    def told(self) -> str:
        return f"{self.ratio:,.0f}" if self.ratio >= 100 else f"{self.ratio:.3g}"


def read(path: Path = SAVED) -> list[Ratio]:
    if not path.exists():
        return []
    return [Ratio(**each) for each in json.loads(path.read_text(encoding="utf-8"))]


def merged(old: Iterable[Ratio], new: Iterable[Ratio]) -> list[Ratio]:
    """The new ones, and the old ones of what was not measured again, in a lasting order."""
    found = {(each.group, each.subject, each.reference): each for each in (*old, *new)}
    return [found[key] for key in sorted(found)]


def save(new: Iterable[Ratio], path: Path = SAVED) -> None:
    kept = [asdict(each) for each in merged(read(path), new)]
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def lines(ratios: Sequence[Ratio]) -> list[str]:
    """A table for a terminal; what misses its mark is told at the end of its line."""
    return [
        f"{each.group:<11} {each.told:>7}  {each.mark or '-':<14} {each.subject} / "
        f"{each.reference}{f' ({each.detail})' if each.detail else ''}"
        f"{'' if each.holds else '  MISSED'}"
        for each in ratios
    ]
