"""A step as the memory ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.core.decision import Decision
from kclassify.core.spending import NOTHING, Charge


@dataclass(slots=True)
class MemoryStep:
    """A step of a run: what its calls came to, and what it holds for those in flight.

    Amounts are nanodollars, times Unix seconds. `shard` is 0 where the pass is in one piece,
    `charged` the number of the last group of its calls that was charged.
    """

    id: int
    pass_id: int
    shard: int
    holder: str
    fingerprint: str
    charge: Charge = NOTHING
    held: int = 0
    charged: int = 0
    ended_at: float | None = None
    last_call_at: float | None = None
    decision: Decision | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it told how it ended."""
        return self.ended_at is not None
