"""The referee's own account of what was answered, what was not, and whose fault that was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from kclassify.core.availability import Suspect
from kclassify.core.item import Key
from kclassify.core.policy import RunPolicy
from kclassify.core.window import Call


class Account:
    """`charged` counts the failures of each item that may be held against it, at most."""

    def __init__(self, policy: RunPolicy) -> None:
        self._policy = policy
        self.charged: Counter[Key] = Counter()
        self._pending: set[Key] = set()
        self._tried_since_answer: set[Key] = set()
        self._landed: list[tuple[Key | None, bool]] = []
        self.may_rest = False
        self.may_break = False

    def restart(self, suspects: Collection[Suspect]) -> None:
        self._landed.clear()
        self._tried_since_answer.clear()
        self._pending = {suspect.key for suspect in suspects if suspect.undecided}
        self.may_rest = bool(suspects)
        self.may_break = False

    def resume(self) -> None:
        self.may_rest = self.may_break = False
        self._landed.clear()
        self._tried_since_answer.clear()

    def snooze(self, *, is_outage: bool) -> None:
        if is_outage:
            self._pending.clear()

    def start(self, calls: Sequence[Call]) -> None:
        keys = {call.item.key for call in calls if call.number is not None}
        again = keys & self._tried_since_answer
        assert not again, f"items {again} are tried again though nobody was answered since"

    def fail(self, key: Key | None) -> None:
        self.may_rest = True
        if key is not None:
            self._pending.add(key)
            self._tried_since_answer.add(key)
        self._landed.append((key, False))
        seen = (self._recent(), self._recent(of_all=True))
        self.may_break |= key is None or any(map(self._is_outage, seen))

    def answer(self, key: Key | None) -> None:
        self._tried_since_answer.clear()
        if key is None:
            self._landed.clear()
        self._landed.append((key, True))
        for pending in sorted(self._pending - {key}, key=str):
            if self._is_clear_for(pending):
                self.charged[pending] += 1
                self._pending.discard(pending)
        if key is not None:
            self._pending.discard(key)

    def _is_outage(self, recent: Sequence[tuple[Key | None, bool]]) -> bool:
        failures = sum(not answered for _, answered in recent)
        return self._policy.snooze.is_outage(failures, len(recent))

    def _recent(self, *, of_all: bool = False) -> list[tuple[Key | None, bool]]:
        """The last calls. An item's failures count once, and not at all once it was charged."""
        kept: list[tuple[Key | None, bool]] = []
        for key, answered in self._landed:
            if not answered:
                kept = [call for call in kept if call != (key, False)]
            if answered or of_all or key is None or not self.charged[key]:
                kept.append((key, answered))
        return kept[-self._policy.snooze.observations :]

    def _is_clear_for(self, key: Key) -> bool:
        others = [answered for other, answered in self._recent() if other != key]
        return others.count(False) < self._policy.retry.clear_below * len(others)

    @property
    def must_snooze(self) -> bool:
        """Whether nothing but failures came in, of enough items without a record, or a canary's."""
        if self._landed and self._landed[-1] == (None, False):
            return True
        recent = self._recent()
        return self._is_outage(recent) and not any(answered for _, answered in recent)
