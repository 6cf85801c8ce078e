"""What a run tells while it goes: typed events for progress, logs and traces to listen to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kclassify.core.batch import BatchStatus
from kclassify.core.decision import Decision
from kclassify.core.item import Key
from kclassify.core.spending import NOTHING, Charge, Spending
from kclassify.core.verdict import OutcomeKind, Usage

logger = logging.getLogger("kclassify")


@dataclass(frozen=True, slots=True)
class PassOpened:
    """A pass begins or goes on.

    `items` is what the source holds (None when this step did not count), `settled` what is behind.
    `spent` is what the run has cost so far, `budget` what it may, in nanodollars.
    A commit has either `gate`, the digest of the record that allows it, or `override`.
    """

    run: str
    mode: str
    number: int
    items: int | None
    settled: int
    model: str
    override: str | None = None
    gate: str | None = None
    spent: Spending = field(default_factory=Spending)
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call is over, after `seconds`. `probe`: a canary.

    `kind` is None when it ended in a halt, or was `cut`: given up for a stop, or as the step ended.
    `cost` is in nanodollars, None where no price is known; `uncertain` what may be billed beyond,
    None where nobody knows how much.
    """

    kind: OutcomeKind | None
    seconds: float
    usage: Usage
    in_flight: int
    probe: bool
    cost: int | None = None
    uncertain: int | None = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class ConcurrencyChanged:
    """From now on `limit` calls may be in flight; `reason` says why, in a few words."""

    limit: int
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """A write transaction is committed: everything up to `cursor` is settled and recorded.

    `transitions` counts confident changes, `(before, after) -> rows`; `kinds` and `actions` count
    the items of this transaction, `recalled` those of them that cost no call.
    """

    cursor: Key | None
    settled: int
    transitions: Mapping[tuple[str | None, str], int]
    kinds: Mapping[str, int]
    actions: Mapping[str, int]
    recalled: int


@dataclass(frozen=True, slots=True)
class BatchChanged:
    """A batch was sent, has ended, or its results were read; `remote_id` is the provider's name.

    `answered` and `again` count the results read so far: what is answered, what is asked again.
    `charge` is what those that were new came to.
    """

    remote_id: str
    status: BatchStatus
    requests: int
    answered: int = 0
    again: int = 0
    charge: Charge = NOTHING


@dataclass(frozen=True, slots=True)
class Snoozing:
    """The run waits, in this process, until the provider may be there again."""

    seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """The run was asked to stop: calls in flight may land within `grace_s`."""

    reason: str
    in_flight: int
    grace_s: float


@dataclass(frozen=True, slots=True)
class TrancheEnded:
    """A commit waits for people: `wanted` spot checks of its `written` rows, `checked` are there.

    With no more wanted than there are, the next commit goes on.
    """

    written: int
    checked: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that does not stop this run, but that somebody should read."""

    message: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step is over; its lease is let go."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step ended without a decision: it raised, or was cancelled.

    `error` is the name of the exception's type alone: its message may hold text of an item.
    """

    error: str


Event = (
    PassOpened
    | CallEnded
    | ConcurrencyChanged
    | Checkpointed
    | BatchChanged
    | Snoozing
    | Stopping
    | TrancheEnded
    | Warned
    | StepEnded
    | StepFailed
)
Listener = Callable[[Event], None]


@dataclass(slots=True)
class Broadcast:
    """Tells every listener. One that raises is logged and dropped: it never ends a run."""

    listeners: list[Listener] = field(default_factory=list[Listener])

    def __call__(self, event: Event) -> None:
        """Tell them."""
        for listener in tuple(self.listeners):
            try:
                listener(event)
            except Exception:
                logger.exception("a listener of run events raised and is not called again")
                self.listeners.remove(listener)
