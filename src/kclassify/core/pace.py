"""When the next call may start: how many at once, what the provider asked for, its rate limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kclassify.core.allowance import NAMES, Allowance, is_sane
from kclassify.core.concurrency import Change, Concurrency
from kclassify.core.learned_rate import LearnedRate
from kclassify.core.policy import RunPolicy
from kclassify.core.throttled_share import MANY, ThrottledShare
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.warming import Warming


@dataclass(frozen=True, slots=True)
class _Flight:
    """A call in flight: what it holds of each limit, and what of it was spent when it began."""

    order: int
    began: float
    held: Mapping[str, float]
    spent: Mapping[str, float]


class Pace:
    """Lets calls start as fast as the provider takes them. A call is named by its item's number.

    A throttled call with a short `retry-after`, or with none, holds every start: for that long, or
    for a backoff that grows while nothing is answered, and is the shorter the fewer calls are
    throttled. A longer one says little of other calls: it is its item's, or an outage.

    `first` is what an earlier step of the run has `reached`; it says nothing after an outage. While
    the provider's cache is cold, one call flies alone.
    """

    def __init__(
        self,
        policy: RunPolicy,
        *,
        is_recovering: bool = False,
        first: int | None = None,
        warming: Warming | None = None,
    ) -> None:
        self._retry = policy.retry
        self._concurrency = Concurrency(
            policy.max_concurrency, is_recovering=is_recovering, first=first
        )
        self._warming = warming or Warming()
        self._allowances = {name: Allowance(name) for name in NAMES}
        self._learned = LearnedRate()
        self._share = ThrottledShare()
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
    def reached(self) -> int | None:
        """As many as the next step of the run may begin with; None when no call told."""
        return self._concurrency.reached

    @property
    def most_in_flight(self) -> int:
        """How many may be in flight before `allow` is called again: those that fly, or more."""
        return max(len(self._flights), self._concurrency.bound)

    def allow(self, calls: int) -> None:
        """From now on at most so many at once; with 0 none starts. Those that fly may land."""
        self._concurrency.allow(calls)

    @property
    def is_full(self) -> bool:
        """Whether as many run as may."""
        is_cold = self._warming.is_cold(self._now)
        return len(self._flights) >= (1 if is_cold else self.limit)

    @property
    def opens_at(self) -> float:
        """When a call may start, as long as fewer run than may."""
        limits = [allowance.opens_at for allowance in self._allowances.values()]
        return max(self._held_until, self._learned.opens_at, *limits)

    def may_start(self, now: float) -> bool:
        """Whether a call may start now."""
        self._keep_time(now)
        return not self.is_full and self.opens_at <= now

    def start(self, number: int | None, now: float) -> None:
        """This call starts now."""
        held = {name: allowance.spend(now) for name, allowance in self._allowances.items()}
        spent = {name: allowance.spent for name, allowance in self._allowances.items()}
        self._learned.spend(now)
        order = self._concurrency.started(len(self._flights) + 1)
        self._flights[number] = _Flight(order, now, held, spent)

    def drop(self, number: int | None) -> None:
        """This call ended in a way that says nothing of the provider."""
        self._end(number)

    def land(self, number: int | None, outcome: Outcome[str], now: float) -> None:
        """This call came back."""
        self._keep_time(now)
        flight = self._end(number)
        self._read(flight, outcome, now)
        if outcome.kind.is_paid:
            self._warming.answered(flight.began)
        if outcome.kind is OutcomeKind.THROTTLED:
            self._throttle(flight, outcome, now)
        elif not outcome.kind.is_availability:
            self._throttled_in_a_row = 0
            self._share.landed(is_throttled=False)
            self._learned.answered()
            self._concurrency.answered(flight.order)

    def _end(self, number: int | None) -> _Flight:
        flight = self._flights.pop(number)
        for name, held in flight.held.items():
            self._allowances[name].held -= held
        return flight

    def resume(self) -> None:
        """A snooze is over, and with it what the provider asked for before."""
        self._held_until = -math.inf
        self._throttled_in_a_row = 0
        self._learned.forget()
        self._concurrency.resumed()

    def _read(self, flight: _Flight, outcome: Outcome[str], now: float) -> None:
        for stated in filter(is_sane, outcome.rate_limits):
            allowance = self._allowances[stated.name]
            since = allowance.spent - flight.spent[stated.name]
            allowance.read(stated, began=flight.began, spent_since=since, now=now)
        for allowance in self._allowances.values():
            allowance.learn(outcome.usage)

    def _throttle(self, flight: _Flight, outcome: Outcome[str], now: float) -> None:
        share = self._share.most
        self._share.landed(is_throttled=True)
        is_news = self._concurrency.throttled(flight.order, share)
        self._throttled_in_a_row += is_news
        wait = outcome.retry_after_s
        if wait is None:
            in_a_row = max(1, self._throttled_in_a_row)
            wait = share * self._retry.backoff(in_a_row, is_throttled=True)
        if wait <= self._retry.max_seconds:
            self._held_until = max(self._held_until, now + wait)
        self._blame_the_pace(now, is_news=is_news)

    def _blame_the_pace(self, now: float, *, is_news: bool) -> None:
        share, limits = self._share.least, self._allowances.values()
        if share > MANY:
            for allowance in limits:
                allowance.throttled()
        has_room = not any(allowance.is_spent for allowance in limits)
        # By what the provider says there was room: it takes no bursts, or does not say all.
        if has_room and not (is_news and self._allowances["requests"].even_out(now)):
            is_near = any(allowance.is_near for allowance in limits)
            self._learned.throttled(now, share, is_news=is_news, is_near=is_near)

    def _keep_time(self, now: float) -> None:
        """A clock that went back must not make a hold last longer."""
        if now < self._now:
            self._held_until = min(self._held_until, now)
            self._learned.turn_back(now)
            for allowance in self._allowances.values():
                allowance.turn_back(now)
        self._now = now
