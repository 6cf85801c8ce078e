"""When to write, when to snooze, when to try again: pure, frozen, and part of no call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kclassify.core.gate_record import CertifiedPolicy
from kclassify.core.item import Key
from kclassify.core.verdict import Outcome, OutcomeKind


@dataclass(frozen=True, slots=True)
class Change:
    """A write: the label that was read, the one to put in its place, and how sure the model was."""

    key: Key
    before: str | None
    after: str
    confidence: float


class Action(StrEnum):
    """What becomes of a settled item."""

    CHANGE = "change"
    SAME = "same"
    UNCONFIDENT = "unconfident"
    VETOED = "vetoed"
    UNCERTIFIED = "uncertified"
    ABSTAINED = "abstained"
    FAILED = "failed"
    WRITTEN = "written"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class WritePolicy:
    """Write only on a confident change, and never into a vetoed category.

    `min_confidence` in [0, 1] holds for every category that `by_category` does not name. Raises
    `ValueError` for a threshold outside [0, 1].
    """

    min_confidence: float = 0.75
    by_category: Mapping[str, float] = field(default_factory=dict[str, float])
    vetoed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name, value in {"min_confidence": self.min_confidence, **self.by_category}.items():
            if not 0 <= value <= 1:
                msg = f"{name}: a confidence threshold lies in [0, 1], not at {value}"
                raise ValueError(msg)

    def threshold(self, category: str) -> float:
        """The confidence from which a change to this category is written."""
        return self.by_category.get(category, self.min_confidence)

    @classmethod
    def of(cls, certified: CertifiedPolicy) -> WritePolicy:
        """The policy that was certified, and nothing else."""
        return cls(certified.threshold, vetoed=frozenset(certified.vetoed))

    def stricter_than(self, certified: CertifiedPolicy, categories: Iterable[str]) -> str | None:
        """Why less would be written than was certified, and the way out; None when it is not less.

        What is left of certified writes is another set of writes, and may be the worse part of
        them: only an evaluation of it can tell. `categories` are those that rows may move to.
        """
        for category in categories:
            asked = self.threshold(category)
            if asked <= certified.threshold or category in certified.vetoed:
                continue
            given = f"is stricter than the {certified.threshold} that was certified"
            rest = "and what is left of the writes was not evaluated by itself"
            if category in self.by_category:
                return (
                    f"min_confidence_by_category {category} = {asked} {given}, {rest}: no "
                    "threshold of a single category can be certified, so leave it out"
                )
            return (
                f"min_confidence {asked} {given}, {rest}: set [policy] min_confidence = {asked} "
                f"in the suite and evaluate again, or set it to {certified.threshold} here"
            )
        return None

    def laxer_than(self, certified: CertifiedPolicy) -> list[str]:
        """The settings that ask for less than was certified: `min_confidence 0.75`."""
        asked = {"min_confidence": self.min_confidence, **self.by_category}
        return [f"{name} {value:g}" for name, value in asked.items() if value < certified.threshold]

    def decide(self, key: Key, current: str | None, outcome: Outcome[str]) -> Change | Action:
        """The change to write, or the reason for leaving the item as it is."""
        verdict = outcome.verdict
        if verdict is None:
            return Action.FAILED if outcome.kind.is_failure else Action.ABSTAINED
        if verdict.label == current:
            return Action.SAME
        if verdict.confidence < self.threshold(verdict.label):
            return Action.UNCONFIDENT
        if verdict.label in self.vetoed:
            return Action.VETOED
        return Change(key, current, str(verdict.label), verdict.confidence)


@dataclass(frozen=True, slots=True)
class SnoozePolicy:
    """When an outage pauses the run, and for how long.

    The run snoozes when, over the last `observations` calls and at least `min_observations` of
    them, the share of availability failures reaches `error_rate`. It also snoozes when nobody was
    answered for `recent_s` seconds, over at least `min_observations` calls: a provider that has
    gone quiet is not judged by what it answered before. The first snooze lasts `seconds`, each one
    in a row `growth` times the last, at most `max_seconds`, in whole seconds, with up to `jitter`
    of it added, and never less than what the provider asked for. An outage longer than
    `max_outage_s` ends the run.

    Snoozes begin short and grow slowly, since the last one goes on after the outage is over: at
    this growth for a fifth of the outage at most, and half of that on average. Each costs one tiny
    call, the canary: some eight in an outage of twenty seconds, twenty-six in one of ten minutes.
    """

    error_rate: float = 0.5
    observations: int = 50
    min_observations: int = 5
    recent_s: float = 30.0
    seconds: float = 1.0
    growth: float = 1.2
    max_seconds: float = 120.0
    jitter: float = 0.1
    max_outage_s: float = 86_400.0

    def __post_init__(self) -> None:
        if not 0 < self.error_rate <= 1:
            msg = f"snooze_error_rate lies in (0, 1], not at {self.error_rate}"
            raise ValueError(msg)
        if self.min_observations > self.observations:
            msg = f"{self.min_observations} calls are never among the last {self.observations}"
            raise ValueError(msg)
        if self.seconds < 1:
            msg = f"snooze_seconds is at least 1, not {self.seconds}"
            raise ValueError(msg)

    def is_outage(self, failures: int, observed: int) -> bool:
        """Whether so many availability failures among so many calls are an outage."""
        return observed >= self.min_observations and failures / observed >= self.error_rate

    def duration(self, count: int, retry_after_s: float, jitter: float) -> int:
        """Whole seconds of the snooze after `count` earlier ones in a row; `jitter` in [0, 1)."""
        exponent = min(count, 64)
        grown = min(self.seconds * self.growth**exponent, self.max_seconds)
        shortest = max(grown, retry_after_s)
        return max(1, math.ceil(shortest) + int(shortest * self.jitter * jitter))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a lone availability failure is tried again, and when it becomes the item's own.

    A failure is held against its item once another call has succeeded since and, at that time, less
    than `clear_below` of the other recent calls failed. `max_attempts` of those end the item when
    they are spread over `blip_s` seconds, and twice as many in any case: what is back within
    seconds costs no item. Since an item is tried again only where others are answered, it waits
    `max_seconds` at most, whatever its `retry-after` says: one item that is told to wait for hours
    must not stop the others.

    The first wait is `first_seconds`, or `throttled_seconds` where the call was throttled, which
    the next one soon would be, too; each one is `growth` times the last.
    """

    max_attempts: int = 3
    first_seconds: float = 0.25
    throttled_seconds: float = 1.0
    growth: float = 2.0
    max_seconds: float = 30.0
    clear_below: float = 0.1
    blip_s: float = 5.0

    def backoff(
        self, failures: int, retry_after_s: float = 0.0, *, is_throttled: bool = False
    ) -> float:
        """Seconds until the next try after so many failures of one item, `max_seconds` at most."""
        exponent = min(max(failures - 1, 0), 64)
        first = self.throttled_seconds if is_throttled else self.first_seconds
        return min(max(first * self.growth**exponent, retry_after_s), self.max_seconds)

    def wait_after(self, failures: int, outcome: Outcome[str]) -> float:
        """Seconds until the next try of an item whose last of so many failures was this one."""
        is_throttled = outcome.kind is OutcomeKind.THROTTLED
        return self.backoff(failures, outcome.retry_after_s or 0.0, is_throttled=is_throttled)

    def is_spent(self, held: int, spread_s: float) -> bool:
        """Whether an item ends that was held so many failures, so far between first and last."""
        enough = self.max_attempts if spread_s >= self.blip_s else 2 * self.max_attempts
        return held >= enough


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """How many calls run at once, how far the window reaches, and when to snooze or try again.

    After as many rejections in a row as calls run at once, `doubts` at least, a probe tells whose
    fault they are.
    """

    max_concurrency: int = 10
    snooze: SnoozePolicy = field(default_factory=SnoozePolicy)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    smallest_window: int = 500
    doubts: int = 3

    def __post_init__(self) -> None:
        if self.max_concurrency < 1:
            msg = f"max_concurrency is at least 1, not {self.max_concurrency}"
            raise ValueError(msg)

    @property
    def window(self) -> int:
        """Items admitted and not yet behind the cursor, at most: ten times the concurrency."""
        return max(10 * self.max_concurrency, self.smallest_window)
