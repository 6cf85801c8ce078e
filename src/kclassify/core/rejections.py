"""The calls that a provider rejected, until another call tells whose fault that was."""

from __future__ import annotations

from kclassify.core.window import Entry


class Rejections:
    """A rejection is its item's own once a call that began later was answered.

    A probe tells when no such answer may come: at the first rejections of a run, after `several` in
    a row, and when nothing else is left to call.
    """

    def __init__(self, several: int) -> None:
        self._several = several
        self._doubtful: list[Entry] = []
        self._in_a_row = 0
        self._was_answered = False

    def __bool__(self) -> bool:
        return bool(self._doubtful)

    def add(self, entry: Entry) -> None:
        """This item's call was rejected."""
        self._doubtful.append(entry)
        self._in_a_row += 1

    def need_probe(self, *, is_idle: bool) -> bool:
        """Whether to ask with a harmless text. `is_idle`: nothing flies and nothing is to call."""
        is_due = not self._was_answered or self._in_a_row >= self._several or is_idle
        return bool(self._doubtful) and is_due

    def proven_by(self, entry: Entry | None) -> list[Entry]:
        """Whose rejection is their own, now that this call, or the probe (None), was answered."""
        self._was_answered, self._in_a_row = True, 0
        proven = [e for e in self._doubtful if entry is None or e.started < entry.started]
        self._doubtful = [e for e in self._doubtful if e not in proven]
        return proven
