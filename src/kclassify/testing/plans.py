"""Plans with names, to be added up: `plans.outage(20, 40) + plans.rate_limited(50)`.

Times are seconds on the stub's clock, counted from its start; requests are counted from 0.
"""

from __future__ import annotations

from kclassify.testing.faults import BadRequest, Fault, Overloaded, ServerError, Unauthorized
from kclassify.testing.latency import FixedLatency, LognormalLatency
from kclassify.testing.plan import FaultPlan
from kclassify.testing.plan_entries import ConnectionsRefused, PlannedFault, PlannedLatency
from kclassify.testing.rate_limits import RateLimits

_OVERLOADED = Overloaded()
_BROKEN = ServerError()
_REJECTED = BadRequest()
_LATE = LognormalLatency(2.0, cut=20.0)

PlannedTimes = FixedLatency | LognormalLatency


def outage(after: float, seconds: float, fault: Fault = _OVERLOADED) -> FaultPlan:
    """Every request fails for so many seconds."""
    return FaultPlan((PlannedFault(fault=fault, after=after, until=after + seconds),))


def unreachable(after: float, seconds: float) -> FaultPlan:
    """Connections are dropped and refused for so many seconds."""
    return FaultPlan((ConnectionsRefused(after=after, until=after + seconds),))


def flaky(rate: float, fault: Fault = _BROKEN, *, seed: int = 0) -> FaultPlan:
    """Each request fails with this probability, from beginning to end."""
    return FaultPlan((PlannedFault(fault=fault, probability=rate),), seed)


def slow(after: float, seconds: float, latency: PlannedTimes = _LATE) -> FaultPlan:
    """Replies take longer for so many seconds."""
    return FaultPlan((PlannedLatency(latency=latency, after=after, until=after + seconds),))


def brownout(
    after: float,
    seconds: float,
    *,
    rate: float = 0.3,
    latency: PlannedTimes = _LATE,
    seed: int = 0,
) -> FaultPlan:
    """For so many seconds replies take longer, and this share of them is a 529."""
    until = after + seconds
    failing = PlannedFault(fault=_OVERLOADED, after=after, until=until, probability=rate)
    return FaultPlan((failing,), seed) + slow(after, seconds, latency)


def rate_limited(
    requests_per_minute: float | None = None,
    *,
    input_tokens_per_minute: float | None = None,
    output_tokens_per_minute: float | None = None,
    burst: float | None = None,
) -> FaultPlan:
    """Requests and tokens are counted, and refused with a 429 beyond these limits."""
    limits = RateLimits(
        requests_per_minute, input_tokens_per_minute, output_tokens_per_minute, burst
    )
    return FaultPlan(rate_limits=limits)


def key_rotated(first: int) -> FaultPlan:
    """The key is refused from this request on."""
    return FaultPlan((PlannedFault(fault=Unauthorized(), first=first),))


def poisonous(text: str, fault: Fault = _REJECTED) -> FaultPlan:
    """Items with this text in title or body fail each time, and no other."""
    return FaultPlan((PlannedFault(fault=fault, contains=text),))
