"""The referee's own account of what was answered, what was not, and whose fault that was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from kclassify.core.availability import Suspect
from kclassify.core.item import Key
from kclassify.core.policy import RunPolicy
from kclassify.core.window import Call

Landing = tuple[Key | None, bool, float]
"""A call that came back: for which item (None for a probe), whether with an answer, and when."""

Landings = Sequence[Landing]


class Account:
    """What follows for certain from the calls that landed.

    `charged` counts the failures of each item that may be held against it, at most. A run may break
    off for an outage only if `may_break`, and has to if `must_break`; it may snooze at rest only if
    `may_rest`.
    """

    def __init__(self, policy: RunPolicy) -> None:
        self._policy = policy
        self.now = 0.0
        self.charged: Counter[Key] = Counter()
        self._pending: set[Key] = set()
        self.restart(())

    def restart(self, suspects: Collection[Suspect]) -> None:
        self.resume()
        self._pending = {suspect.key for suspect in suspects if suspect.undecided}
        self.may_rest = bool(suspects)

    def resume(self) -> None:
        self.may_rest = self.may_break = self.must_break = False
        self.unanswered: set[Key] = set()
        self._landed: list[Landing] = []
        self._since_probe = 0

    def snooze(self, *, is_outage: bool) -> None:
        if is_outage:
            self._pending.clear()

    def start(self, calls: Sequence[Call]) -> None:
        keys = {call.item.key for call in calls if call.number is not None}
        again = keys & self.unanswered
        assert not again, f"items {again} are tried again though nobody was answered since"

    def fail(self, key: Key | None) -> None:
        self._landed.append((key, False, self.now))
        if key is not None:
            self._pending.add(key)
            self.unanswered.add(key)
        are_outages = [self._is_outage(view) for view in self._views()]
        self.may_rest = True
        self.may_break |= key is None or any(are_outages)
        # What fails again is no news of the provider: a run need not look at the others then.
        self.must_break |= key is None or (not self.charged[key] and all(are_outages))

    def answer(self, key: Key | None) -> None:
        self.unanswered.clear()
        if key is None:
            self._since_probe = len(self._landed)
        self._landed.append((key, True, self.now))
        if key is not None:
            self._pending.discard(key)
        for pending in sorted(self._pending, key=str):
            if self._is_clear_for(pending):
                self.charged[pending] += 1
                self._pending.discard(pending)

    def _views(self) -> list[Landings]:
        """What the run may go by: with what was charged or without, all or since the probe."""
        lately = self._landed[self._since_probe :]
        return [
            view(calls) for view in (self._news, self._last) for calls in (self._landed, lately)
        ]

    def _is_clear_for(self, key: Key) -> bool:
        others = [[one[1] for one in view if one[0] != key] for view in self._views()]
        below = self._policy.retry.clear_below
        return any(answers.count(False) < below * len(answers) for answers in others)

    def _is_outage(self, landed: Landings) -> bool:
        policy = self._policy.snooze
        is_share = policy.is_outage(sum(not one[1] for one in landed), len(landed))
        while len(landed) > policy.min_observations and self.now - landed[0][2] > policy.recent_s:
            landed = landed[1:]
        is_quiet = len(landed) >= policy.min_observations and not any(one[1] for one in landed)
        return is_share or is_quiet

    def _news(self, landed: Landings) -> Landings:
        """Without the failures of items that were charged: those say little of the provider."""
        is_news = [answered or key is None or not self.charged[key] for key, answered, _ in landed]
        return self._last([one for one, news in zip(landed, is_news, strict=True) if news])

    def _last(self, landed: Landings) -> Landings:
        """The last of these: the failures of one item count once."""
        kept: list[Landing] = []
        for one in landed:
            if not one[1]:
                kept = [call for call in kept if call[:2] != one[:2]]
            kept.append(one)
        return kept[-self._policy.snooze.observations :]
