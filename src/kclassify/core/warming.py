"""Whether the provider still holds the prefix of a prompt in its cache."""

from __future__ import annotations


class Warming:
    """While it is cold, one call flies alone: those beside it would pay for the same cache entry.

    An entry lives `seconds` after the last answer (None: nothing is cached), `last` is when that
    came (Unix seconds; None where none did).
    """

    def __init__(self, seconds: float | None = None, last: float | None = None) -> None:
        self._seconds = seconds
        self._last = last

    def is_cold(self, now: float) -> bool:
        """Whether a call that starts now has to write the entry."""
        if self._seconds is None:
            return False
        return self._last is None or not 0 <= now - self._last < self._seconds

    def answered(self, now: float) -> None:
        """A call was answered and billed: its prefix is cached from now on."""
        self._last = now
