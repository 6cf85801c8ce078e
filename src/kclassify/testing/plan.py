"""When faults happen, as data: the first entry whose conditions all hold decides."""

from __future__ import annotations

from dataclasses import dataclass as plain_dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from kclassify.testing.draw import uniform
from kclassify.testing.faults import Fault, NamedFault
from kclassify.testing.labels_file import first_fault

if TYPE_CHECKING:
    from pathlib import Path

_CLOSED = ConfigDict(extra="forbid")
_Index = Annotated[int, Field(ge=0)]


@plain_dataclass(frozen=True, slots=True)
class Arrival:
    """What a plan looks at: index of the request from 0, seconds since the stub started."""

    index: int
    elapsed: float
    text: str
    model: str


@dataclass(frozen=True, config=_CLOSED, kw_only=True)
class PlannedFault:
    """A fault and the conditions under which it happens; a condition left out always holds.

    Args:
        fault: what happens; None is a good answer, which shields from the entries after it.
        first, last: indices of requests, counted from 0, both included.
        after, until: a time window in seconds since the stub started; `until` is excluded.
        probability: of each request that meets the other conditions, decided by the plan's seed
            and the request's index.
        contains: text that the item's title or body contains.
        model: the model asked for.
    """

    fault: NamedFault | None
    first: _Index = 0
    last: _Index | None = None
    after: float = 0.0
    until: float | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    contains: str = ""
    model: str | None = None

    def holds(self, arrival: Arrival) -> bool:
        """Whether all conditions but the probability hold."""
        return (
            self.first <= arrival.index
            and (self.last is None or arrival.index <= self.last)
            and self.after <= arrival.elapsed
            and (self.until is None or arrival.elapsed < self.until)
            and (self.model is None or self.model == arrival.model)
            and self.contains in arrival.text
        )


@dataclass(frozen=True, config=_CLOSED)
class FaultPlan:
    """Entries in order of precedence; no entries, no faults.

    As JSON: `{"seed": 7, "entries": [{"fault": {"kind": "overloaded"}, "after": 20, "until": 40}]}`
    """

    entries: tuple[PlannedFault, ...] = ()
    seed: int = 0

    def choose(self, arrival: Arrival) -> Fault | None:
        """The fault for a request, or None for a good answer. The same arrival, the same choice."""
        for position, entry in enumerate(self.entries):
            if entry.holds(arrival) and self._drawn(position, entry, arrival):
                return entry.fault
        return None

    def _drawn(self, position: int, entry: PlannedFault, arrival: Arrival) -> bool:
        if entry.probability in {0.0, 1.0}:
            return entry.probability == 1.0
        return uniform(self.seed, position, arrival.index) < entry.probability


_PLAN = TypeAdapter(FaultPlan)


def read_plan(path: Path) -> FaultPlan:
    """The plan in a JSON file.

    Raises FileNotFoundError, or ValueError with one line that names the file and the fault.
    """
    try:
        return _PLAN.validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path}: {first_fault(error)}") from None
