"""Whether the provider still holds the prefix of a prompt in its cache."""

from __future__ import annotations


class Warming:
    """While it is cold, one call flies alone: those beside it would pay for the same cache entry.

    An entry lives `seconds` after it was last read (None: nothing is cached). `last` is when the
    last call that was answered began, or a time before that (Unix seconds; None where none was).
    """

    def __init__(self, seconds: float | None = None, last: float | None = None) -> None:
        self._seconds = seconds
        self._last = last

    def is_cold(self, now: float) -> bool:
        """Whether a call that starts now has to write the entry."""
        if self._seconds is None:
            return False
        return self._last is None or not 0 <= now - self._last < self._seconds

    def answered(self, began: float) -> None:
        """A call that began then was answered and billed: its prefix was read or written since."""
        self._last = began
