"""An outage of a provider of batches, with the breaker that all workers of a run share."""

from __future__ import annotations

from kclassify.core.availability import Availability, Breaker
from kclassify.core.decision import Halt, Snooze
from kclassify.core.policy import RunPolicy
from kclassify.core.shared_breaker import merged
from kclassify.core.verdict import Outcome


class BatchOutage:
    """Each request to the provider is its own canary: nothing else is asked while it is away."""

    def __init__(self, policy: RunPolicy, breaker: Breaker) -> None:
        self._provider = Availability(policy.snooze, policy.retry, breaker)
        self._is_barren = False

    def begin(self, *, was_answered: bool) -> None:
        """Go on from the batch that was read last, whichever worker read it.

        An outage of batches is not over while the next ones are created and waited for.
        """
        self._is_barren = self.breaker.snoozes > 0 and not was_answered

    @property
    def breaker(self) -> Breaker:
        """The outage, as it must outlive this step."""
        return self._provider.breaker

    def met(self, outcome: Outcome[str], now: float, jitter: float) -> Snooze | Halt:
        """The provider was not there, or answered nothing of a whole batch."""
        if self._is_barren:
            # However long a batch took to say so, somebody asked all the while.
            self._provider.breaker = self.breaker.known_until(now)
        self._provider.canary_failed(outcome)
        return self._provider.snooze(self._provider.outage, 0.0, now, jitter)

    def heard(self) -> None:
        """The provider told of a batch, which says little while it answers nothing of any."""
        if not self._is_barren:
            self._provider.answered(None)

    def read(self, *, is_answered: bool) -> None:
        """A batch was read to its end; whether anything of it was answered."""
        self._is_barren = not is_answered
        self.heard()

    def resume(self) -> None:
        """A snooze is over: ask again."""
        self._provider.resume()

    def learn(self, known: Breaker, stored: Breaker, now: float) -> bool:
        """Others stored a breaker since `known` was; whether that is news."""
        breaker = merged(known, self.breaker, stored)
        is_news = breaker != self.breaker
        if is_news:
            self._provider.learn(breaker, now)
        return is_news
