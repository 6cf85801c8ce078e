"""When the next call may start: how many at once, what the provider asked for, its rate limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kclassify.core.allowance import Allowance, is_sane
from kclassify.core.concurrency import Change, Concurrency
from kclassify.core.policy import RunPolicy
from kclassify.core.verdict import Outcome, OutcomeKind


@dataclass(frozen=True, slots=True)
class _Flight:
    """A call in flight: what each limit had spent with it, and what it holds of each."""

    order: int
    began: float
    spent: Mapping[str, float]
    held: Mapping[str, float]


class Pace:
    """Lets calls start as fast as the provider takes them. A call is named by its item's number.

    A throttled call with a short `retry-after`, or with none, holds every start: for that long, or
    for a backoff that grows while nothing is answered. A longer one says little of other calls: it
    is its item's, or an outage.
    """

    def __init__(self, policy: RunPolicy, *, is_recovering: bool = False) -> None:
        self._retry = policy.retry
        self._concurrency = Concurrency(policy.max_concurrency, is_recovering=is_recovering)
        self._allowances: dict[str, Allowance] = {}
        self._flights: dict[int | None, _Flight] = {}
        self._held_until = self._now = -math.inf
        self._throttled_in_a_row = 0

    @property
    def limit(self) -> int:
        """How many calls may run at once."""
        return self._concurrency.limit

    @property
    def reason(self) -> Change:
        """Why the limit is what it is."""
        return self._concurrency.reason

    @property
    def is_full(self) -> bool:
        """Whether as many run as may."""
        return len(self._flights) >= self.limit

    @property
    def opens_at(self) -> float:
        """When a call may start, as long as fewer run than may."""
        times = [allowance.opens_at for allowance in self._allowances.values()]
        return max(self._held_until, *times) if times else self._held_until

    def may_start(self, now: float) -> bool:
        """Whether a call may start now."""
        self._keep_time(now)
        return not self.is_full and self.opens_at <= now

    def start(self, number: int | None, now: float) -> None:
        """This call starts now."""
        held = {name: allowance.spend(now) for name, allowance in self._allowances.items()}
        spent = {name: allowance.spent for name, allowance in self._allowances.items()}
        order = self._concurrency.started(len(self._flights) + 1)
        self._flights[number] = _Flight(order, now, spent, held)

    def drop(self, number: int | None) -> None:
        """This call ended in a way that says nothing of the provider."""
        self._flights.pop(number, None)

    def land(self, number: int | None, outcome: Outcome[str], now: float) -> None:
        """This call came back."""
        self._keep_time(now)
        flight = self._flights.pop(number)
        self._read(flight, outcome, now)
        if outcome.kind is OutcomeKind.THROTTLED:
            self._throttle(flight, outcome, now)
        elif not outcome.kind.is_availability:
            self._throttled_in_a_row = 0
            self._concurrency.answered(flight.order)

    def resume(self) -> None:
        """A snooze is over, and with it what the provider asked for before."""
        self._held_until = -math.inf
        self._throttled_in_a_row = 0
        self._concurrency.resumed()

    def _read(self, flight: _Flight, outcome: Outcome[str], now: float) -> None:
        for stated in filter(is_sane, outcome.rate_limits):
            name = stated.name
            allowance = self._allowances.setdefault(name, Allowance(name))
            held = [other.held.get(name, allowance.need) for other in self._flights.values()]
            since = allowance.spent - flight.spent.get(name, 0.0)
            allowance.read(stated, began=flight.began, spent_since=since, held=sum(held), now=now)
        for allowance in self._allowances.values():
            allowance.learn(outcome.usage)

    def _throttle(self, flight: _Flight, outcome: Outcome[str], now: float) -> None:
        is_news = self._concurrency.throttled(flight.order)
        self._throttled_in_a_row += is_news
        wait = outcome.retry_after_s
        if wait is None and is_news:
            wait = self._retry.backoff(self._throttled_in_a_row, 0.0)
        if wait is not None and wait <= self._retry.max_seconds:
            self._held_until = max(self._held_until, now + wait)
        requests = self._allowances.get("requests")
        if requests and not any(one.is_spent for one in self._allowances.values()):
            requests.even_out(now)

    def _keep_time(self, now: float) -> None:
        """A clock that went back must not make a hold last longer."""
        if now < self._now:
            self._held_until = min(self._held_until, now)
            for allowance in self._allowances.values():
                allowance.turn_back(now)
        self._now = now
