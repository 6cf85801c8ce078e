"""The calls that the workers of one run share: who may have how many in flight.

Each worker looks now and then: it reads what all of them are granted, takes its share and stores
what it is granted, under a lock that lets one look at a time. What is in flight is never more than
what is granted, and that never more than the total:

- A fair share is the total divided by the active workers; the first few have one more.
- Who has more than that starts no call until it is within it, but stays granted what may still be
  in flight. A later look gives that back.
- Who has less takes what nobody is granted, up to its fair share. That may be none for a while.
- Who ends is granted nothing. Who dies stays granted what it was, until its lease ends.
"""

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
    """What the worker of shard `mine` takes, of the `total` of all active ones in `grants`.

    `in_flight` is the most that this worker may have in flight before it heeds the answer: what it
    may still start counts (`Pace.most_in_flight`). What flies is not enough where calls start while
    the answer is under way.
    """
    active = sorted({grant.shard for grant in grants} | {mine})
    fair = total // len(active) + (active.index(mine) < total % len(active))
    others = sum(grant.calls for grant in grants if grant.shard != mine)
    limit = max(0, min(fair, total - others))
    return Share(limit, max(limit, in_flight))
