"""The label that each row holds against the one that it was given last, or was read with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kclassify.core.finding import Invariant
from kclassify.core.invariants.facts import ChangeFact, OutcomeFact, RunFacts
from kclassify.core.invariants.found import Found, spelt, told_label
from kclassify.core.item import Item
from kclassify.core.passes import Mode
from kclassify.core.states import ChangeStatus

_WRITTEN = "rows do not hold the label that was last written: relabelled since, or never written"
_RESTORED = "rows that were rolled back do not hold their label from before: relabelled since?"
_READ = "rows that were not written hold another label than was read: relabelled since?"
_OVERWRITTEN = "rows that were left to another program hold the label that was not to be written"
_TEXT = "outcomes are of another text than their rows have"


@dataclass(frozen=True, slots=True)
class _Expected:
    label: str | None
    invariant: Invariant
    message: str


@dataclass(slots=True)
class Held:
    """`number` is that of the pass whose outcomes are given."""

    _facts: RunFacts
    _number: int
    _found: Found

    def check(
        self, page: Sequence[Item], keys: Sequence[str], read: Mapping[str, OutcomeFact]
    ) -> None:
        """A page of the source, with what that pass read of it."""
        commits = self._commits()
        history: dict[str, list[ChangeFact]] = {}
        for change in self._facts.changes_of(commits, keys):
            history.setdefault(change.key, []).append(change)
        for key, item in zip(keys, page, strict=True):
            self._check(key, item.current, history.get(key, []), read.get(key))
            self._check_text(key, item, read.get(key))
            self._check_conflict(key, item.current, history.get(key, []), read.get(key))

    def _commits(self) -> list[int]:
        """Those of the source that the pass is about: another may have the same keys."""
        passes = self._facts.passes
        sources = {each.source for each in passes if each.number == self._number}
        return [e.number for e in passes if e.mode is Mode.COMMIT and e.source in sources]

    def _check(
        self, key: str, held: str | None, history: list[ChangeFact], read: OutcomeFact | None
    ) -> None:
        if history:
            expected = _after(history)
            if read is not None and self._number > history[-1].pass_number:
                # A later pass met the row: what somebody made of it by then is no news.
                expected = None if held == read.current and not self._found.alone else expected
        else:
            expected = None if read is None else _Expected(read.current, *_AS_READ)
        if expected is not None and held != expected.label:
            said = f"{told_label(held)} instead of {told_label(expected.label)}"
            evidence = f"{spelt(key)}: {said}"
            self._found.suspect(expected.invariant, expected.message, evidence)

    def _check_text(self, key: str, item: Item, read: OutcomeFact | None) -> None:
        """Whether the outcome is its own, and not that of another row."""
        if self._found.alone and read is not None and read.digest != item.digest:
            evidence = f"pass {self._number}, {spelt(key)}"
            self._found.broken(Invariant.NO_LABEL_INVENTED, _TEXT, evidence)

    def _check_conflict(
        self, key: str, held: str | None, history: list[ChangeFact], read: OutcomeFact | None
    ) -> None:
        if not history or history[-1].status != ChangeStatus.CONFLICT:
            return
        newest = history[-1]
        is_met_so = read is not None and read.current == newest.after
        if held == newest.after and not (self._number > newest.pass_number and is_met_so):
            evidence = f"pass {newest.pass_number}, {spelt(key)}: {told_label(held)}"
            self._found.suspect(Invariant.COMPARE_AND_SET, _OVERWRITTEN, evidence)


_AS_READ = (Invariant.COMPARE_AND_SET, _READ)


def _after(history: Sequence[ChangeFact]) -> _Expected | None:
    """What a row holds after these changes, None when they do not tell."""
    newest = history[-1]
    if newest.status == ChangeStatus.WRITTEN:
        return _Expected(newest.after, Invariant.COMPARE_AND_SET, _WRITTEN)
    if newest.status != ChangeStatus.REVERTED:
        return None
    label = newest.before
    for older in reversed(history[:-1]):
        if older.after != label or older.status != ChangeStatus.REVERTED:
            break
        if (older.reverted_at or 0.0) < (newest.reverted_at or 0.0):
            # Put back before the newer one was written: one rollback undoes the newest first.
            break
        label = older.before
    return _Expected(label, Invariant.ROLLBACK, _RESTORED)
