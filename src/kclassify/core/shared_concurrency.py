"""The calls that the workers of one run share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grant:
    """The calls that a worker may have in flight, by the number of its shard."""

    shard: int
    calls: int


@dataclass(frozen=True, slots=True)
class Share:
    """`limit` is how many calls may be in flight from now on, `granted` what is stored."""

    limit: int
    granted: int


def share(total: int, mine: int, in_flight: int, grants: Sequence[Grant]) -> Share:
    """What this worker takes."""
    active = sorted({grant.shard for grant in grants} | {mine})
    fair = total // len(active) + (active.index(mine) < total % len(active))
    others = sum(grant.calls for grant in grants if grant.shard != mine)
    limit = max(0, min(fair, total - others))
    return Share(limit, max(limit, in_flight))
