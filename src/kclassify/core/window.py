"""The items in flight, or settled but not yet behind the cursor, and what is known of each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from kclassify.core.availability import Suspect
from kclassify.core.item import Item, Key
from kclassify.core.verdict import Outcome

PROBE = Item(key="probe", body="A harmless text that asks whether anyone is there.")
"""The text of a probe, which tells an outage from an item's own failure."""
_LET_GO = Item(key="let go", body="")

_NO_ANSWER = "no answer in an earlier step, while other calls were answered"


class Phase(StrEnum):
    """Where an admitted item is."""

    FRESH = "fresh"
    FOLLOWING = "following"
    IN_FLIGHT = "in flight"
    WAITING = "waiting"
    DOUBTFUL = "doubtful"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Call:
    """A call to make. `number` names its entry in the window, None for a probe."""

    number: int | None
    item: Item


@dataclass(slots=True)
class Landed:
    """A settled item, its body let go."""

    phase: ClassVar[Phase] = Phase.SETTLED
    key: Key
    digest: str
    current: str | None
    outcome: Outcome[str]

    @property
    def landed(self) -> Landed:
        """Itself: what was settled as it came in needs no entry."""
        return self


@dataclass(slots=True, eq=False)
class Entry:
    """An admitted item. It keeps its text until it is settled.

    `held` availability failures are its own, `undecided` says that the last one is not yet known to
    be, `retriable` that another call was answered since, `failures` counts them all, for the
    backoff. `spread_s` seconds are between the first of them, as far as this step knows, and the
    last. `started` orders the calls of a run, the last of each item. `followers` have the same
    text: one call serves all. `landed` is what is left once it is settled.
    """

    number: int
    item: Item
    phase: Phase = Phase.FRESH
    outcome: Outcome[str] | None = None
    failures: int = 0
    failed_first_at: float | None = None
    spread_s: float = 0.0
    held: int = 0
    undecided: bool = False
    retriable: bool = True
    retry_at: float = 0.0
    started: int = 0
    followers: tuple[Entry, ...] = ()
    landed: Landed | None = None

    def restore(self, suspect: Suspect) -> None:
        """Take over what an earlier step knew of its failures."""
        self.outcome = Outcome(suspect.kind, detail=_NO_ANSWER)
        self.held = self.failures = suspect.held
        self.undecided, self.retriable = suspect.undecided, not suspect.undecided

    @property
    def key(self) -> Key:
        """The key of its item."""
        return (self.landed or self.item).key

    @property
    def suspect(self) -> Suspect | None:
        """What a later step must know of its failures; None when there are none."""
        if self.outcome is None or not (self.held or self.undecided):
            return None
        return Suspect(self.key, self.held, self.undecided, self.outcome.kind)

    @property
    def is_open(self) -> bool:
        """Whether an answer to another call would tell something about its last failure."""
        is_settled = self.phase is Phase.SETTLED
        return not is_settled and (self.undecided or not self.retriable)

    def fail(self, outcome: Outcome[str], now: float) -> None:
        """Its call was not answered: whose fault that is, another call must tell."""
        self.failed_first_at = now if self.failed_first_at is None else self.failed_first_at
        self.spread_s = now - self.failed_first_at
        self.outcome, self.failures = outcome, self.failures + 1
        self.undecided, self.retriable = True, False

    def forgive(self) -> None:
        """Its last failure was the provider's."""
        self.failures, self.undecided, self.retriable = self.held, False, True
        if not self.held:
            self.failed_first_at = None

    def settle(self, outcome: Outcome[str]) -> None:
        """Keep the outcome, let the text go, and serve the followers."""
        known = self.landed or self.item
        self.landed = Landed(known.key, known.digest, known.current, outcome)
        self.phase, self.outcome, self.undecided = Phase.SETTLED, outcome, False
        self.item = _LET_GO
        for follower in self.followers:
            follower.settle(outcome.as_recalled())
        self.followers = ()


class Window:
    """Entries in the order in which they were admitted, and what came in settled among them."""

    def __init__(self) -> None:
        self._entries: deque[Entry | Landed] = deque()
        self._leaders: dict[str, Entry] = {}
        self.admitted = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def drained(self) -> int:
        """How many entries have been taken."""
        return self.admitted - len(self._entries)

    def append(self, item: Item) -> Entry:
        """Admit an item; the entry follows an earlier one with the same text when there is one."""
        entry = Entry(self.admitted, item)
        self.admitted += 1
        self._entries.append(entry)
        leader = self._leaders.setdefault(item.digest, entry)
        if leader is not entry and leader.outcome is not None and leader.phase is Phase.SETTLED:
            entry.settle(leader.outcome.as_recalled())
        elif leader is not entry:
            entry.phase = Phase.FOLLOWING
            leader.followers = (*leader.followers, entry)
        return entry

    def asks(self, item: Item) -> bool:
        """Whether an entry with the same text is there."""
        return item.digest in self._leaders

    def append_settled(self, item: Item, outcome: Outcome[str]) -> None:
        """Admit an item whose outcome is known."""
        self.admitted += 1
        self._entries.append(Landed(item.key, item.digest, item.current, outcome))

    @property
    def has_settled_prefix(self) -> bool:
        """Whether `take` would give anything."""
        return bool(self._entries) and self._entries[0].landed is not None

    def take(self, limit: int) -> list[Landed]:
        """Remove at most `limit` settled entries from the front, up to the first that is not."""
        landed: list[Landed] = []
        entries, leaders = self._entries, self._leaders
        while entries and len(landed) < limit and (first := entries[0].landed) is not None:
            if leaders.get(first.digest) is entries.popleft():
                del leaders[first.digest]
            landed.append(first)
        return landed
