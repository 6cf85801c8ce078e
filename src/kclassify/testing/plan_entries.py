"""What a plan is made of: a fault, a latency or a closed port, and when it holds."""

from __future__ import annotations

from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.dataclasses import dataclass

from kclassify.testing.draw import uniform
from kclassify.testing.faults import NamedFault
from kclassify.testing.latency import PlannableLatency

_CLOSED = ConfigDict(extra="forbid")
_Index = Annotated[int, Field(ge=0)]

Endpoint = Literal[
    "messages",
    "count_tokens",
    "create_batch",
    "retrieve_batch",
    "list_batches",
    "cancel_batch",
    "batch_results",
    "batch_request",
]
"""Where a request goes; `batch_request` is one inside a batch."""


@plain_dataclass(frozen=True, slots=True)
class Arrival:
    """What a plan looks at: index of the request from 0, seconds since the stub started.

    A request of a batch arrives with the one that created the batch: `part` is its place in it.
    """

    index: int
    elapsed: float
    text: str
    model: str
    endpoint: Endpoint = "messages"
    part: int | None = None


@dataclass(frozen=True, config=_CLOSED, kw_only=True)
class TimeWindow:
    """From `after`, included, to `until`, excluded: seconds since the stub started."""

    after: float = 0.0
    until: float | None = None

    @model_validator(mode="after")
    def _is_some_time(self) -> Self:
        if self.until is not None and self.until <= self.after:
            raise ValueError(f"`until` ({self.until:g}) must come after `after` ({self.after:g})")
        return self

    def is_now(self, elapsed: float) -> bool:
        """Whether that many seconds since the start are inside."""
        return self.after <= elapsed and (self.until is None or elapsed < self.until)


@dataclass(frozen=True, config=_CLOSED, kw_only=True)
class Conditions(TimeWindow):
    """Which requests an entry is about; a condition left out always holds.

    Args:
        first, last: indices of requests, counted from 0, both included.
        after, until: a time window in seconds since the stub started; `until` is excluded.
        probability: of each request that meets the other conditions, decided by the plan's seed
            and the request's index.
        contains: text that the item's title or body contains.
        model: the model asked for.
        endpoint: where the request goes.
    """

    first: _Index = 0
    last: _Index | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    contains: str = ""
    model: str | None = None
    endpoint: Endpoint | None = None

    def holds(self, arrival: Arrival) -> bool:
        """Whether all conditions but the probability hold."""
        return (
            self.first <= arrival.index
            and (self.last is None or arrival.index <= self.last)
            and self.is_now(arrival.elapsed)
            and (self.model is None or self.model == arrival.model)
            and (self.endpoint is None or self.endpoint == arrival.endpoint)
            and self.contains in arrival.text
        )

    def is_drawn(self, arrival: Arrival, seed: int, position: int) -> bool:
        """Whether the probability falls on this request."""
        if self.probability in {0.0, 1.0}:
            return self.probability == 1.0
        place = (arrival.index,) if arrival.part is None else (arrival.index, arrival.part)
        return uniform(seed, position, *place) < self.probability


@dataclass(frozen=True, config=_CLOSED, kw_only=True)
class PlannedFault(Conditions):
    """A fault and the conditions under which it happens.

    Args:
        fault: what happens; None is a good answer, which shields from the entries after it.
    """

    fault: NamedFault | None


@dataclass(frozen=True, config=_CLOSED, kw_only=True)
class PlannedLatency(Conditions):
    """A latency and the conditions under which it holds, for good answers and refusals alike."""

    latency: PlannableLatency


@dataclass(frozen=True, config=_CLOSED, kw_only=True)
class ConnectionsRefused(TimeWindow):
    """A time in which the stub does not listen: open connections are dropped, new ones refused."""

    connections: Literal["refused"] = "refused"


_KINDS = {
    "fault": PlannedFault,
    "latency": PlannedLatency,
    "connections": ConnectionsRefused,
}


def _kind(entry: Any) -> str | None:  # noqa: ANN401 # whatever the JSON holds
    if isinstance(entry, dict):
        said: list[str] = [name for name in _KINDS if name in entry]
        return said[0] if len(said) == 1 else None
    return next((name for name, kind in _KINDS.items() if isinstance(entry, kind)), None)


Entry = Annotated[
    Annotated[PlannedFault, Tag("fault")]
    | Annotated[PlannedLatency, Tag("latency")]
    | Annotated[ConnectionsRefused, Tag("connections")],
    Discriminator(
        _kind,
        custom_error_type="kind_of_entry",
        custom_error_message="an entry has one of `fault`, `latency` and `connections`",
    ),
]
"""An entry for pydantic to read: the one of three keys that it has decides which one it is."""
