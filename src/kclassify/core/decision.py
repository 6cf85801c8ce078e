"""What a run does next. A step returns one of these; an adapter translates it for a job system."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kclassify.core.item import Key
from kclassify.core.one_line import one_line
from kclassify.core.spending import NOTHING, Charge


class Pause(StrEnum):
    """Why a step ended with work left and nothing wrong."""

    BUDGET = "the time of this step is spent"
    MAX_ITEMS = "max_items is reached"
    STOPPED = "the run was asked to stop"
    TRANCHE = "the tranche is written and waits for spot checks"
    SHARD = "this shard is done, and others of the pass are not"


@dataclass(frozen=True, slots=True)
class Advance:
    """There is more to do: enqueue the next step. Every item up to `cursor` is settled."""

    cursor: Key | None
    pause: Pause = Pause.BUDGET


@dataclass(frozen=True, slots=True)
class Snooze:
    """The provider is not available: come back in `seconds`, at the same cursor.

    `reason` is one printable line, whatever a classifier said.
    """

    seconds: int
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", one_line(self.reason))


@dataclass(frozen=True, slots=True)
class Halt:
    """The run cannot go on until a human mends what `reason` says, in one printable line.

    `charge` is what the call came to that met it: a first question, or a first model, was answered.
    """

    reason: str
    charge: Charge = field(default=NOTHING, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", one_line(self.reason))


@dataclass(frozen=True, slots=True)
class Superseded:
    """Another worker holds this run, or moved its cursor first: enqueue nothing."""

    holder: str = "another worker"


@dataclass(frozen=True, slots=True)
class Done:
    """Every item of this pass is settled and recorded."""


Decision = Advance | Snooze | Halt | Superseded | Done
