"""What happens when, as data: a timeline of faults, latencies, closed ports and rate limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from kclassify.testing.labels_file import first_fault
from kclassify.testing.plan_entries import (
    Arrival,
    ConnectionsRefused,
    Entry,
    PlannedFault,
    PlannedLatency,
)
from kclassify.testing.rate_limits import RateLimits

if TYPE_CHECKING:
    from pathlib import Path

    from kclassify.testing.faults import Fault
    from kclassify.testing.latency import Latency


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FaultPlan:
    """Entries in order of precedence; no entries, no faults.

    Of the faults the first whose conditions all hold decides, and of the latencies likewise.
    Plans add up: `outage + flaky` has the entries of both, those of `outage` first, and of their
    rate limits the stricter.

    As JSON: `{"seed": 7, "entries": [{"fault": {"kind": "overloaded"}, "after": 20, "until": 40}]}`
    """

    entries: tuple[Entry, ...] = ()
    seed: int = 0
    rate_limits: RateLimits | None = None

    def __add__(self, other: FaultPlan) -> FaultPlan:
        """Both plans at once."""
        return FaultPlan(
            (*self.entries, *other.entries),
            self.seed + other.seed,
            _both(self.rate_limits, other.rate_limits),
        )

    def choose(self, arrival: Arrival) -> Fault | None:
        """The fault for a request, or None for a good answer. The same arrival, the same choice."""
        for position, entry in enumerate(self.entries):
            if isinstance(entry, PlannedFault) and self._holds(position, entry, arrival):
                return entry.fault
        return None

    def latency(self, arrival: Arrival) -> Latency | None:
        """The latency that is planned for a request, or None."""
        for position, entry in enumerate(self.entries):
            if isinstance(entry, PlannedLatency) and self._holds(position, entry, arrival):
                return entry.latency
        return None

    def _holds(self, position: int, entry: PlannedFault | PlannedLatency, arrival: Arrival) -> bool:
        return entry.holds(arrival) and entry.is_drawn(arrival, self.seed, position)

    @property
    def refuses_at_times(self) -> bool:
        """Whether there are times in which connections are refused."""
        return any(isinstance(entry, ConnectionsRefused) for entry in self.entries)

    def refuses(self, elapsed: float) -> bool:
        """Whether connections are refused that many seconds after the start."""
        return any(
            isinstance(entry, ConnectionsRefused) and entry.is_now(elapsed)
            for entry in self.entries
        )

    def to_json(self) -> str:
        """The plan as `read_plan` reads it, with everything that was left to its default."""
        return _PLAN.dump_json(self, indent=2).decode()


def _both(one: RateLimits | None, other: RateLimits | None) -> RateLimits | None:
    return one + other if one is not None and other is not None else one or other


_PLAN = TypeAdapter(FaultPlan)
_KIND_OF_ENTRY = re.compile(r"^(entries\.\d+)\.(?:fault|latency|connections)\b")


def read_plan(path: Path) -> FaultPlan:
    """The plan in a JSON file.

    Raises FileNotFoundError, or ValueError with one line that names the file and the fault.
    """
    try:
        return _PLAN.validate_json(path.read_bytes())
    except ValidationError as error:
        told = _KIND_OF_ENTRY.sub(r"\1", first_fault(error))
        raise ValueError(f"{path}: {told}") from None
