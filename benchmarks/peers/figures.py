"""What is told of a tool in a scenario: one record a run, and the medians of several."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEDIANS = ("items_per_second", "processor_s", "peak_mb", "seconds")
_COUNTS = ("lost", "asked_again")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One run, or the medians of several; every figure is None when it could not be measured.

    `items_per_second` counts the items that got a label. `processor_s` is of 1,000 items, retries
    included. `lost` items have no label at the end; `asked_again` were answered more than once.
    """

    tool: str
    version: str
    items_per_second: float | None = None
    processor_s: float | None = None
    peak_mb: float | None = None
    lost: int | None = None
    asked_again: int | None = None
    seconds: float | None = None
    note: str = ""


def medians(runs: Sequence[Figures]) -> Figures:
    """The medians of the runs that were measured, or the last run's note when none was.

    Of what was lost and asked again it is the most.
    """
    measured = [asdict(run) for run in runs if run.seconds is not None]
    if not measured:
        return runs[-1]
    told: dict[str, Any] = {
        **{name: _rounded([one[name] for one in measured]) for name in _MEDIANS},
        **{name: max(one[name] for one in measured) for name in _COUNTS},
        "note": "; ".join(sorted({run.note for run in runs if run.note})),
    }
    return replace(runs[-1], **told)


def _rounded(values: list[float]) -> float:
    return float(f"{statistics.median(values):.4g}")
