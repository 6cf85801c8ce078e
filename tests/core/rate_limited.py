"""Providers that limit rates in several ways, and a run against one on a simulated clock."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from kclassify.core.decision import Halt, Snooze
from kclassify.core.item import Item
from kclassify.core.policy import RunPolicy
from kclassify.core.rate_limit import RateLimit
from kclassify.core.run import Run
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict
from kclassify.core.window import Call

HOUR = 3600.0
NETWORK_S = 0.03


@dataclass
class TokenBucket:
    """`per_minute`, refilled continuously, of which `burst` can be spent at once.

    Headers go by a bucket that could be spent at once.
    """

    name: str
    per_minute: float
    burst: float | None = None

    def __post_init__(self) -> None:
        self.capacity = self.per_minute if self.burst is None else self.burst
        self.level = self.capacity
        self.stated = self.per_minute
        self._at = 0.0

    def refill(self, now: float) -> None:
        gain = self.per_minute / 60 * (now - self._at)
        self.level = min(self.capacity, self.level + gain)
        self.stated = min(self.per_minute, self.stated + gain)
        self._at = now

    def take(self, cost: float) -> None:
        self.level -= cost
        self.stated -= cost

    def wait_s(self, cost: float) -> float:
        return max(0.0, (cost - self.level) / (self.per_minute / 60))

    def header(self) -> RateLimit:
        remaining = max(0.0, math.floor(self.stated))
        if self.name != "requests":
            remaining = min(self.per_minute, 1000.0 * math.floor(self.stated / 1000 + 0.5))
        resets = math.ceil((self.per_minute - self.stated) / (self.per_minute / 60))
        return RateLimit(self.name, self.per_minute, remaining, float(resets))


@dataclass
class Provider:
    """Takes a call when each bucket has enough for it; a throttled call costs nothing.

    `tells_late`: the headers are those of the moment when the answer is sent, not when the call
    arrived. `sigma` is how much the input tokens of calls differ. `unavailable` is the share of
    calls that it has no capacity for, `throttled` the share that it throttles whatever the pace is.
    `empty`: a limit that its headers say is used up, whatever is.
    """

    buckets: Sequence[TokenBucket] = ()
    sends_headers: bool = True
    sends_retry_after: bool = True
    tells_late: bool = False
    unavailable: float = 0.0
    throttled: float = 0.0
    empty: RateLimit | None = None
    median_s: float = 1.0
    sigma: float = 0.0
    usage: Usage = field(default_factory=lambda: Usage(1000, 50))
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def costs(self, usage: Usage) -> list[float]:
        given = {"requests": 1, "input-tokens": usage.input_tokens}
        return [given.get(bucket.name, usage.output_tokens) for bucket in self.buckets]

    def _draw_usage(self) -> Usage:
        size = self._random.lognormvariate(-(self.sigma**2) / 2, self.sigma)
        return replace(self.usage, input_tokens=round(size * self.usage.input_tokens))

    def take(self, now: float) -> tuple[float, Outcome[str]]:
        """How long the call takes that arrives now, and what comes of it."""
        for bucket in self.buckets:
            bucket.refill(now)
        usage = self._draw_usage()
        costs = self.costs(usage)
        waits = [bucket.wait_s(cost) for bucket, cost in zip(self.buckets, costs, strict=True)]
        if max(waits, default=0.0) > 1e-9:
            asked = float(math.ceil(max(waits))) if self.sends_retry_after else None
            kind = OutcomeKind.THROTTLED
            return 0.05, Outcome(kind, retry_after_s=asked, rate_limits=self._headers())
        if self._random.random() < self.unavailable:
            return 0.1, Outcome(OutcomeKind.UNAVAILABLE, detail="529")
        if self._random.random() < self.throttled:
            return 0.1, Outcome(OutcomeKind.THROTTLED)
        for bucket, cost in zip(self.buckets, costs, strict=True):
            bucket.take(cost)
        verdict = Verdict("new", 0.9, "model", usage)
        outcome = Outcome(OutcomeKind.JUDGED, verdict, usage=usage, rate_limits=self._headers())
        return self._random.lognormvariate(math.log(self.median_s), 0.5), outcome

    def leave(self, outcome: Outcome[str], now: float) -> Outcome[str]:
        if not self.tells_late or outcome.verdict is None:
            return outcome
        for bucket in self.buckets:
            bucket.refill(now)
        return replace(outcome, rate_limits=self._headers())

    def _headers(self) -> tuple[RateLimit, ...]:
        if self.empty:
            return (self.empty,)
        return tuple(b.header() for b in self.buckets) if self.sends_headers else ()


@dataclass
class Course:
    """What came of a simulated run."""

    kinds: Counter[OutcomeKind] = field(default_factory=Counter[OutcomeKind])
    limits: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    answered_at: list[float] = field(default_factory=list[float])
    snoozes: int = 0
    seconds: float = 0.0

    @property
    def answers(self) -> int:
        return self.kinds[OutcomeKind.JUDGED]

    @property
    def throttled(self) -> float:
        """The share of calls that were throttled."""
        return self.kinds[OutcomeKind.THROTTLED] / max(1, self.kinds.total())

    def of_limit(self, per_minute: float) -> float:
        """The throughput over the limit, the burst of a full bucket not counted."""
        return self.answers / (per_minute * self.seconds / 60)


def run_against(
    provider: Provider,
    max_concurrency: int,
    *,
    seconds: float = HOUR,
    on_turn: Callable[[float], None] = lambda _: None,
) -> Course:
    """An endless corpus for so long. `on_turn` is told the time."""
    return _Driver(provider, max_concurrency, on_turn).drive(seconds)


class _Driver:
    def __init__(
        self, provider: Provider, max_concurrency: int, on_turn: Callable[[float], None]
    ) -> None:
        self._provider = provider
        self._on_turn = on_turn
        self._run = Run(RunPolicy(max_concurrency=max_concurrency))
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Call, Outcome[str] | None]] = []
        self._random = random.Random(provider.seed + 1)
        self._now = 0.0
        self.course = Course()

    def drive(self, seconds: float) -> Course:
        while self._now < seconds:
            self._turn()
        self.course.seconds = seconds
        return self.course

    def _turn(self) -> None:
        run = self._run
        self._on_turn(self._now)
        if run.wants_items:
            keys = itertools.islice(self._numbers, run.room)
            run.admit([Item(key=key, body=f"text {key}") for key in keys], {})
        for call in run.start(self._now):
            delay = self._random.uniform(0, 2 * NETWORK_S)
            self._at(self._now + delay, call, None)
        self.course.limits.append((self._now, run.pace.limit))
        run.drain(1000)
        decision = run.decide(self._now, 0.5)
        assert not isinstance(decision, Halt), decision
        if isinstance(decision, Snooze):
            self._now += decision.seconds
            self.course.snoozes += 1
            run.resume()
        elif not run.wants_items:
            self._wait()

    def _at(self, when: float, call: Call, outcome: Outcome[str] | None) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), call, outcome))

    def _wait(self) -> None:
        wake_at = self._run.wake_at
        first = self._events[0][0] if self._events else math.inf
        assert wake_at is not None or self._events, "a deadlock"
        if wake_at is not None and wake_at < first:
            self._now = max(self._now, wake_at)
            return
        self._now, _, call, outcome = heapq.heappop(self._events)
        if outcome is None:
            lasts, outcome = self._provider.take(self._now)
            self._at(self._now + lasts, call, outcome)
            return
        outcome = self._provider.leave(outcome, self._now)
        self.course.kinds[outcome.kind] += 1
        if outcome.verdict:
            self.course.answered_at.append(self._now)
        self._run.settle(call, outcome, self._now)
