"""The simulated provider: what becomes of a request, by the item, the weather and the seed."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import anyio

from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.rate_limit import RateLimit
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict, judged
from kclassify.testing.rate_limits import RateLimited, RateLimiter, RateLimits
from kclassify.testing.simulation.nature import Nature
from kclassify.testing.simulation.outage import Outage, Trouble
from kclassify.testing.simulation.scenario import Scenario
from kclassify.testing.simulation.timeline import Timeline

IN_AN_OUTAGE = "simulated: an outage that spares no call"
"""The detail of a failure that no item may be blamed for."""

USAGE = Usage(input_tokens=100, output_tokens=10)
_FAST_S = 0.02
_KINDS = {
    Nature.ABSTAINED: OutcomeKind.ABSTAINED,
    Nature.REFUSED: OutcomeKind.REFUSED,
    Nature.TRUNCATED: OutcomeKind.TRUNCATED,
    Nature.REJECTED: OutcomeKind.REJECTED,
    Nature.TOO_LONG: OutcomeKind.TOO_LONG,
}
_AT_ONCE = {Trouble.REFUSED, Trouble.SERVER_ERROR, Trouble.OVERLOADED, Trouble.THROTTLED}


class Provider:
    """Answers after a lognormal time, unless something is the matter."""

    def __init__(self, scenario: Scenario, rng: Random, time: Timeline) -> None:
        self._scenario = scenario
        self._time = time
        self._rng = rng
        limits = RateLimits(requests_per_minute=scenario.requests_a_minute)
        self._limiter = RateLimiter(limits, 0.0)

    async def answer(self, item: Item) -> Outcome[str] | Halt:
        """What a request for the item comes to; it takes simulated time."""
        now = self._time.now
        outage = self._outage(now)
        if outage is not None and outage.trouble is not Trouble.SLOW:
            return await self._fail(outage)
        limited = self._limiter.admit(now)
        if limited is not None:
            return await self._throttle(limited)
        await anyio.sleep(self._latency() * (1.0 if outage is None else 10.0))
        broken = self._outage(self._time.now)
        if broken is not None and broken.trouble is Trouble.RESET:
            return _unanswered(OutcomeKind.UNAVAILABLE, broken)
        return await self._judge(item)

    def _outage(self, now: float) -> Outage | None:
        for outage in self._scenario.outages:
            if outage.covers(now) and self._rng.random() < outage.share:
                return outage
        return None

    def _latency(self) -> float:
        return self._scenario.latency_s * math.exp(self._rng.gauss(0.0, 0.8))

    async def _fail(self, outage: Outage) -> Outcome[str] | Halt:
        trouble = outage.trouble
        if trouble is Trouble.HANG:
            await self.hang()
            return _unanswered(OutcomeKind.TIMED_OUT, outage)
        await anyio.sleep(_FAST_S if trouble in _AT_ONCE else self._latency())
        if trouble is Trouble.KEY_ROTATED:
            return Halt("the key is not valid: set another one")
        if trouble is Trouble.REJECTS_ALL:
            return Outcome(OutcomeKind.REJECTED, detail="simulated: every request")
        is_throttle = trouble is Trouble.THROTTLED
        return _unanswered(
            OutcomeKind.THROTTLED if is_throttle else OutcomeKind.UNAVAILABLE, outage
        )

    async def hang(self) -> None:
        """Never answer; the classifier's own deadline, if it has one, ends it."""
        await anyio.sleep(self._rng.choice([self._scenario.timeout_s, float("inf")]))

    async def _throttle(self, limited: RateLimited) -> Outcome[str]:
        wait_s = float(math.ceil(limited.wait_s))
        await anyio.sleep(_FAST_S)
        return Outcome(
            OutcomeKind.THROTTLED,
            detail=f"simulated: over {limited}",
            retry_after_s=wait_s if self._scenario.sends_retry_after else None,
            rate_limits=self._told,
        )

    @property
    def _told(self) -> tuple[RateLimit, ...]:
        return self._limiter.standing(self._time.now) if self._scenario.sends_headers else ()

    async def _judge(self, item: Item) -> Outcome[str]:
        nature = self._scenario.natures.get(item.digest, Nature.FINE)
        if nature is Nature.HANGS:
            await self.hang()
            return Outcome(OutcomeKind.TIMED_OUT, detail="simulated: this item")
        if nature is Nature.BREAKS:
            return Outcome(OutcomeKind.UNAVAILABLE, detail="simulated: this item")
        kind = _KINDS.get(nature)
        told = self._told
        if kind is not None:
            return Outcome(kind, detail="simulated: this item", usage=USAGE, rate_limits=told)
        label = "strange" if nature is Nature.STRANGE_LABEL else self._rng.choice(["left", "right"])
        confidence = self._rng.choice([0.5, 0.8, 0.9, 0.95])
        return replace(judged(Verdict(label, confidence, "simulated", USAGE)), rate_limits=told)


def _unanswered(kind: OutcomeKind, outage: Outage) -> Outcome[str]:
    words = IN_AN_OUTAGE if outage.is_plain else f"simulated: {outage.trouble}"
    return Outcome(kind, detail=words, retry_after_s=outage.retry_after_s)
