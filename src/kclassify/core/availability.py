"""What the recent calls say about the provider: is this an outage, is the air clear."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from kclassify.core.decision import Halt, Snooze
from kclassify.core.item import Key
from kclassify.core.policy import RetryPolicy, SnoozePolicy
from kclassify.core.verdict import Outcome, OutcomeKind


@dataclass(frozen=True, slots=True)
class Breaker:
    """The outage as the ledger keeps it.

    `snoozes` counts those in a row with no answered call in between. `until` (Unix seconds) is when
    the last one ends, `seconds` how long it was, `outage_since` when the first of them began.
    """

    snoozes: int = 0
    until: float = 0.0
    seconds: int = 0
    outage_since: float | None = None

    def remaining(self, now: float) -> int:
        """Seconds left of the snooze, never more than it had, whatever the clock did since."""
        left = self.until - now
        return 0 if left <= 0 else max(1, min(round(left), self.seconds))

    def without_stale(self, now: float, max_outage_s: float) -> Breaker:
        """No breaker, when so long has passed since its snooze that nobody knows of an outage."""
        return Breaker() if now - self.until > max_outage_s else self

    def known_until(self, now: float) -> Breaker:
        """The breaker of an outage that goes on, however long ago its last snooze was over."""
        return self if self.outage_since is None else replace(self, until=max(self.until, now))

    def tripped(self, now: float, seconds: int) -> Breaker:
        """The breaker after one more snooze, of `seconds`, that begins now."""
        since = now if self.outage_since is None else self.outage_since
        return Breaker(self.snoozes + 1, now + seconds, seconds, since)


@dataclass(frozen=True, slots=True)
class Suspect:
    """An item whose calls failed for availability.

    `held` failures are its own: another call succeeded after each. `undecided` says that the last
    one is not known to be yet. `kind` is that of the last.
    """

    key: Key
    held: int
    undecided: bool
    kind: OutcomeKind = OutcomeKind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class _Ended:
    """A call for this item (None for the probe) came back then, answered or not."""

    number: int | None
    is_answered: bool
    at: float
    retry_after_s: float


class RecentCalls:
    """The last calls: which item each was for (None for the probe), and whether it was answered.

    Failures of one item count once: a poisonous row tried again is no outage.
    """

    def __init__(self, snooze: SnoozePolicy, retry: RetryPolicy) -> None:
        self._snooze = snooze
        self._retry = retry
        self._calls: deque[_Ended] = deque(maxlen=snooze.observations)
        self.now = 0.0

    def observe(self, number: int | None, *, answered: bool, retry_after_s: float = 0.0) -> None:
        """Add a call that ended `now`. `retry_after_s` is what the provider asked for."""
        if not answered:
            kept = [call for call in self._calls if call.is_answered or call.number != number]
            self._calls = deque(kept, maxlen=self._snooze.observations)
        self._calls.append(_Ended(number, answered, self.now, retry_after_s))

    def is_outage(self) -> bool:
        """Whether the share of failures reached the threshold, or all is quiet."""
        failures = sum(not call.is_answered for call in self._calls)
        return self._snooze.is_outage(failures, len(self._calls)) or self._is_quiet

    @property
    def _is_quiet(self) -> bool:
        """Whether none of the recent calls was answered, however many were before.

        So few calls tell no share: where calls are slow, three failures of five are soon met.
        """
        enough, since = self._snooze.min_observations, self.now - self._snooze.recent_s
        newest = enumerate(reversed(self._calls))
        calls = [call for index, call in newest if index < enough or call.at >= since]
        return len(calls) >= enough and not any(call.is_answered for call in calls)

    def is_clear_for(self, number: int) -> bool:
        """Whether so few calls of other items failed that a failure of this one is its own."""
        others = [call.is_answered for call in self._calls if call.number != number]
        failed = others.count(False)
        return bool(others) and failed < self._retry.clear_below * len(others)

    @property
    def retry_after_s(self) -> float:
        """The longest wait that a recent failure asked for, in seconds; 0 when none did."""
        waits = (call.retry_after_s for call in self._calls if not call.is_answered)
        return max(waits, default=0.0)

    def forget(self) -> None:
        """Start afresh, after a snooze."""
        self._calls.clear()


class Availability:
    """Whether the provider can be called: the outage, its canary and its breaker.

    `needs_canary` says that the next call is a probe, alone. `is_recovering` lasts from a snooze
    until an answer is recorded: a failure then asks for another canary before it is an outage. An
    outage that another worker of the run told of is its to count, and lasts as long as it says.
    """

    def __init__(self, snooze: SnoozePolicy, retry: RetryPolicy, breaker: Breaker) -> None:
        self._policy = snooze
        self._recent = RecentCalls(snooze, retry)
        self.breaker = breaker
        self.outage = ""
        self._is_told = False
        self.needs_canary = self.is_recovering = breaker.snoozes > 0

    def learn(self, breaker: Breaker, now: float) -> None:
        """Another worker of the run changed the breaker."""
        self.breaker = breaker
        if breaker.remaining(now):
            self._is_told = True
            self.outage = self.outage or "another worker of this run is without an answer"

    def keep_time(self, now: float) -> None:
        """What ends from here on ends now."""
        self._recent.now = now

    def failed(self, number: int, outcome: Outcome[str], *, has_record: bool) -> None:
        """A call for this item was not answered; with a record that says little of the provider."""
        if has_record:
            return
        wait = outcome.retry_after_s or 0.0
        self._recent.observe(number, answered=False, retry_after_s=wait)
        if self._recent.is_outage():
            self.outage = f"too many calls without an answer ({_told(outcome)})"
        self.needs_canary = self.is_recovering

    def canary_failed(self, outcome: Outcome[str]) -> None:
        """A probe was not answered."""
        wait = outcome.retry_after_s or 0.0
        self._recent.observe(None, answered=False, retry_after_s=wait)
        self.outage = f"still no answer ({_told(outcome)})"

    def answered(self, number: int | None) -> None:
        """A call for this item, or the probe (None), was answered: the provider is there."""
        if number is None and self.is_recovering:
            self._recent.forget()
        self._recent.observe(number, answered=True)
        self.needs_canary = False
        if not self._is_told:
            self.breaker = Breaker()

    def is_clear_for(self, number: int) -> bool:
        """Whether a failure of this item says more about it than about the provider."""
        return self._recent.is_clear_for(number)

    def snooze(self, reason: str, wait: float, now: float, jitter: float) -> Snooze | Halt:
        """Trip the breaker: a snooze of at least `wait` seconds, or the end of patience.

        Where another worker tripped it, the snooze is what is left of that one's.
        """
        if self._is_told:
            return Snooze(max(1, self.breaker.remaining(now)), reason)
        patience = self._policy.max_outage_s
        # A halt leaves it open: other workers of the run are to take it for no answer, and the next
        # call of this one begins with a canary. Whoever calls again has new patience.
        breaker = self.breaker = self.breaker.without_stale(now, patience)
        if breaker.outage_since is not None and now - breaker.outage_since > patience:
            self.breaker = replace(breaker, outage_since=now)
            hours = (now - breaker.outage_since) / 3600
            return Halt(f"the provider has not answered for {hours:.1f} hours: {reason}")
        longest = max(wait, self._recent.retry_after_s)
        if longest > patience:
            return Halt(f"the provider asks for a wait of {longest / 3600:.1f} hours: {reason}")
        seconds = self._policy.duration(breaker.snoozes, longest, jitter)
        self.breaker = breaker.tripped(now, seconds)
        return Snooze(seconds, reason)

    def resume(self) -> None:
        """Go on after a snooze: the first call is a canary."""
        self._recent.forget()
        self.outage, self._is_told = "", False
        self.needs_canary = self.is_recovering = True


def _told(outcome: Outcome[str]) -> str:
    """What the last call ended with: whoever is woken by it wants to know what to look at."""
    return f"{outcome.kind}: {outcome.detail}" if outcome.detail else str(outcome.kind)
