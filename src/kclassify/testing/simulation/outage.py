"""What a simulated provider may have: outages of every kind, and limits of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """How the provider fails while an outage lasts."""

    REFUSED = "connection refused"
    RESET = "reset in mid-body"
    LOST = "answered and billed, and the answer is lost"
    HANG = "hang"
    SLOW = "slow trickle"
    SERVER_ERROR = "500"
    OVERLOADED = "529"
    THROTTLED = "429"
    KEY_ROTATED = "key rotated"
    REJECTS_ALL = "every request is rejected"

    @property
    def is_halt(self) -> bool:
        """Whether a human has to mend it."""
        return self in {Trouble.KEY_ROTATED, Trouble.REJECTS_ALL}


_PLAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Outage:
    """From `begins` to `ends` (simulated seconds) `share` of the calls meet the trouble.

    With `retry_after_s` the provider says when to come back.
    """

    begins: float
    ends: float
    trouble: Trouble
    share: float = 1.0
    retry_after_s: float | None = None

    @property
    def is_plain(self) -> bool:
        """Whether no call gets an answer, for so long that nobody can take it for one item's."""
        return self.share == 1.0 and self.ends - self.begins >= _PLAIN_S

    def covers(self, now: float) -> bool:
        """Whether it lasts at this time."""
        return self.begins <= now < self.ends
