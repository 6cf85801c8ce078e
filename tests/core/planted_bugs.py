"""Plausible mistakes, each one edit away from the code as it is, and what catches it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from kclassify.core.availability import Availability, RecentCalls, Suspect
from kclassify.core.decision import Done, Halt
from kclassify.core.item import Item
from kclassify.core.run import Run
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Call, Entry, Landed, Phase, Window

NEVER = property(lambda _: False, lambda _, __: None)
Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Bug:
    """`caught_by` is a pattern of the referee's complaint."""

    name: str
    caught_by: str
    plant: Plant


def _cursor_moves_on_settle(patch: pytest.MonkeyPatch) -> None:
    settle = Run.settle

    def wrong(self: Run, call: Call, outcome: Outcome[str] | Halt, now: float) -> None:
        settle(self, call, outcome, now)
        self.cursor = self.cursor if call.number is None else call.item.key

    patch.setattr(Run, "settle", wrong)


def _availability_settles_at_once(patch: pytest.MonkeyPatch) -> None:
    fail = Run._fail

    def wrong(self: Run, entry: Entry | None, outcome: Outcome[str], now: float) -> None:
        fail(self, entry, outcome, now)
        if entry is not None and self._waiting.pop(entry.number, None):
            entry.settle(outcome)

    patch.setattr(Run, "_fail", wrong)


def _refusal_counts_toward_the_snooze(patch: pytest.MonkeyPatch) -> None:
    answer = Run._answer

    def wrong(self: Run, entry: Entry | None, outcome: Outcome[str]) -> None:
        if outcome.kind is OutcomeKind.REFUSED and entry is not None:
            self._provider.failed(entry.number, outcome, has_record=False)
            entry.settle(outcome)
        else:
            answer(self, entry, outcome)

    patch.setattr(Run, "_answer", wrong)


def _no_canary(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Availability, "needs_canary", NEVER, raising=False)


def _no_slow_recovery(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Availability, "is_recovering", NEVER, raising=False)


def _twin_is_asked_too(patch: pytest.MonkeyPatch) -> None:
    append = Window.append

    def wrong(self: Window, item: Item) -> Entry:
        self._leaders.clear()
        return append(self, item)

    patch.setattr(Window, "append", wrong)


def _drain_out_of_order(patch: pytest.MonkeyPatch) -> None:
    take = Window.take

    def wrong(self: Window, limit: int) -> list[Landed]:
        settled = [entry for entry in self._entries if entry.phase is Phase.SETTLED]
        for entry in reversed(settled):
            self._entries.remove(entry)
            self._entries.appendleft(entry)
        return take(self, limit)

    patch.setattr(Window, "take", wrong)


def _drain_loses_the_rest(patch: pytest.MonkeyPatch) -> None:
    take = Window.take
    patch.setattr(Window, "take", lambda self, limit: take(self, limit + 1)[:limit])


def _rejected_settles_with_nothing_answered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "_doubt", Run._answer)


def _an_outage_is_held_against_items(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Entry) -> None:
        self.retriable = True

    patch.setattr(Entry, "forgive", wrong)


def _any_success_is_clear_air(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecentCalls, "is_clear_for", lambda *_: True)


def _failures_are_held_with_no_success_since(patch: pytest.MonkeyPatch) -> None:
    fail = Run._fail

    def wrong(self: Run, entry: Entry | None, outcome: Outcome[str], now: float) -> None:
        fail(self, entry, outcome, now)
        if entry is not None:
            entry.held += 1

    patch.setattr(Run, "_fail", wrong)


def _failed_items_are_tried_again_in_an_outage(patch: pytest.MonkeyPatch) -> None:
    fail = Entry.fail

    def wrong(self: Entry, outcome: Outcome[str]) -> None:
        fail(self, outcome)
        self.retriable = True

    patch.setattr(Entry, "fail", wrong)


def _outage_goes_unseen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecentCalls, "is_outage", lambda _: False)


def _snooze_loses_the_doubtful(patch: pytest.MonkeyPatch) -> None:
    resume = Run.resume

    def wrong(self: Run) -> None:
        resume(self)
        self._doubtful.clear()

    patch.setattr(Run, "resume", wrong)


def _snooze_loses_the_waiting(patch: pytest.MonkeyPatch) -> None:
    forgive = Run._forgive

    def wrong(self: Run) -> None:
        self._waiting.clear()
        forgive(self)

    patch.setattr(Run, "_forgive", wrong)


def _cut_loses_the_item(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "cut", lambda self, call: self._landing(call))


def _recalled_is_asked_again(patch: pytest.MonkeyPatch) -> None:
    place = Run._place
    patch.setattr(Run, "_place", lambda self, entry, _: place(self, entry, None))


def _empty_is_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Item, "is_empty", False)


def _stop_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "stop", lambda *_: None)


def _halt_lets_calls_start(patch: pytest.MonkeyPatch) -> None:
    closed = property(lambda self: bool(self._provider.outage or self._pause))
    patch.setattr(Run, "_is_closed", closed)


def _halt_is_overwritten(patch: pytest.MonkeyPatch) -> None:
    decide = Run.decide

    def wrong(self: Run, now: float, jitter: float) -> object:
        self._halt = None
        return decide(self, now, jitter)

    patch.setattr(Run, "decide", wrong)


def _one_call_too_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "in_flight", property(lambda self: max(0, len(self._flying) - 1)))


def _window_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Window, "__len__", lambda _: 0)


def _suspects_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    nobody: Sequence[Suspect] = ()
    patch.setattr(Run, "suspects", property(lambda _: nobody))


def _done_with_items_waiting(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "_decide_waiting", lambda *_: Done())


def _waits_for_ever_on_what_failed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "_decide_waiting", lambda *_: None)


def _one_poisonous_row_is_the_canary(patch: pytest.MonkeyPatch) -> None:
    probe = Run._start_probe

    def wrong(self: Run) -> list[Call]:
        if self._provider.needs_canary and self._fresh and not self._flying:
            return [self._fly(self._fresh.popleft())]
        return probe(self)

    patch.setattr(Run, "_start_probe", wrong)


NO_END = "no end after|a deadlock"
BUGS = (
    Bug("the cursor moves on settle", "moved without a drain", _cursor_moves_on_settle),
    Bug("availability settles", "failure of the provider ends", _availability_settles_at_once),
    Bug("a refusal counts", "a snooze without a reason", _refusal_counts_toward_the_snooze),
    Bug("no canary", "not alone|without a reason", _no_canary),
    Bug("no slow recovery", NO_END, _no_slow_recovery),
    Bug("a twin is asked too", "same text|paid for", _twin_is_asked_too),
    Bug("drain is out of order", "out of order", _drain_out_of_order),
    Bug("drain loses an item", "out of order|done before", _drain_loses_the_rest),
    Bug("rejections settle", "marked as rejected", _rejected_settles_with_nothing_answered),
    Bug("an outage is held", "is held", _an_outage_is_held_against_items),
    Bug("air is always clear", "is held", _any_success_is_clear_air),
    Bug("held at once", "is held", _failures_are_held_with_no_success_since),
    Bug("tried in an outage", "tried again", _failed_items_are_tried_again_in_an_outage),
    Bug("an outage goes unseen", "the provider is out", _outage_goes_unseen),
    Bug("a snooze loses the doubtful", "done before", _snooze_loses_the_doubtful),
    Bug("a snooze loses the waiting", "done before", _snooze_loses_the_waiting),
    Bug("a cut loses the item", "done before", _cut_loses_the_item),
    Bug("a recalled item is asked", "paid for is asked", _recalled_is_asked_again),
    Bug("an empty item is asked", "an empty item", _empty_is_asked),
    Bug("a stop is ignored", "after a stop", _stop_is_ignored),
    Bug("a halt lets calls start", "after a halt", _halt_lets_calls_start),
    Bug("a halt is overwritten", "halt is forgotten|no end after", _halt_is_overwritten),
    Bug("one call too many", "too many calls", _one_call_too_many),
    Bug("a window without end", "window is too long", _window_without_end),
    Bug("suspects are forgotten", NO_END, _suspects_are_forgotten),
    Bug("done with items waiting", "done before", _done_with_items_waiting),
    Bug("waits on what failed", NO_END, _waits_for_ever_on_what_failed),
    Bug(
        "poison is the canary",
        "a halt without a cause|no end after",
        _one_poisonous_row_is_the_canary,
    ),
)
