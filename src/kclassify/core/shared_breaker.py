"""One breaker for all workers of a run: what each of them saw, made into what is true for all."""

from __future__ import annotations

from kclassify.core.availability import Breaker


def merged(seen: Breaker, held: Breaker, stored: Breaker) -> Breaker:
    """The breaker that holds for every worker of a run.

    `seen` is what this worker last knew to be stored, `held` what it holds now, `stored` what all
    of them share by now. Who changed nothing adopts what is stored. A trip is never lost and never
    shortens a deadline; workers that trip at once count as one snooze. An answer closes the breaker
    unless another worker changed it since: the answer says nothing of what came after.

    The order in which workers are heard does not matter.
    """
    if held == seen:
        return stored
    if stored == seen:
        return held
    return _of_both(held, stored) if held.snoozes else stored


def _of_both(one: Breaker, other: Breaker) -> Breaker:
    # As many as the larger count, not their sum: the growth of a snooze is that of the outage.
    begins = [each.outage_since for each in (one, other) if each.outage_since is not None]
    until, seconds = max((one.until, one.seconds), (other.until, other.seconds))
    return Breaker(max(one.snoozes, other.snoozes), until, seconds, min(begins, default=None))
