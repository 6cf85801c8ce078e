"""Plausible mistakes, each one edit away from the code as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import pytest

from kclassify.core import allowance, bucket, pace
from kclassify.core.admission import Admission
from kclassify.core.allowance import NAMES
from kclassify.core.availability import Availability, RecentCalls, Suspect
from kclassify.core.concurrency import Concurrency
from kclassify.core.decision import Decision, Done, Halt, Pause
from kclassify.core.item import Item
from kclassify.core.pace import Pace
from kclassify.core.rate_limit import RateLimit
from kclassify.core.run import Run
from kclassify.core.unsettled import Unsettled
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Call, Entry, Landed, Phase, Window

NEVER = property(lambda _: False, lambda _, __: None)


def cursor_moves_on_settle(patch: pytest.MonkeyPatch) -> None:
    settle = Run.settle

    def wrong(self: Run, call: Call, outcome: Outcome[str] | Halt, now: float) -> None:
        settle(self, call, outcome, now)
        self.cursor = self.cursor if call.number is None else call.item.key

    patch.setattr(Run, "settle", wrong)


def availability_settles_at_once(patch: pytest.MonkeyPatch) -> None:
    fail = Run._fail

    def wrong(self: Run, entry: Entry | None, outcome: Outcome[str], now: float) -> None:
        fail(self, entry, outcome, now)
        if entry is not None and entry.number in self._items.waiting:
            del self._items.waiting[entry.number]
            entry.settle(outcome)

    patch.setattr(Run, "_fail", wrong)


def refusal_counts_toward_the_snooze(patch: pytest.MonkeyPatch) -> None:
    answer = Run._answer

    def wrong(self: Run, entry: Entry | None, outcome: Outcome[str]) -> None:
        if outcome.kind is OutcomeKind.REFUSED and entry is not None:
            self._provider.failed(entry.number, outcome, has_record=False)
            entry.settle(outcome)
        else:
            answer(self, entry, outcome)

    patch.setattr(Run, "_answer", wrong)


def no_canary(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Availability, "needs_canary", NEVER, raising=False)


def no_slow_recovery(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Availability, "is_recovering", NEVER, raising=False)


def recovery_ends_with_an_answer_that_a_crash_loses(patch: pytest.MonkeyPatch) -> None:
    answered = Availability.answered

    def wrong(self: Availability, number: int | None) -> None:
        answered(self, number)
        self.is_recovering = self.is_recovering and number is None

    patch.setattr(Availability, "answered", wrong)


def twin_is_asked_too(patch: pytest.MonkeyPatch) -> None:
    append = Window.append

    def wrong(self: Window, item: Item) -> Entry:
        self._leaders.clear()
        return append(self, item)

    patch.setattr(Window, "append", wrong)


def drain_out_of_order(patch: pytest.MonkeyPatch) -> None:
    take = Window.take

    def wrong(self: Window, limit: int) -> list[Landed]:
        settled = [entry for entry in self._entries if entry.phase is Phase.SETTLED]
        for entry in reversed(settled):
            self._entries.remove(entry)
            self._entries.appendleft(entry)
        return take(self, limit)

    patch.setattr(Window, "take", wrong)


def drain_loses_the_rest(patch: pytest.MonkeyPatch) -> None:
    take = Window.take

    def wrong(self: Window, limit: int) -> list[Landed]:
        return take(self, limit)[-1:]

    patch.setattr(Window, "take", wrong)


def rejected_settles_with_nothing_answered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "_doubt", Run._answer)


def an_outage_is_held_against_items(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Entry) -> None:
        self.retriable = True

    patch.setattr(Entry, "forgive", wrong)


def any_success_is_clear_air(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: RecentCalls, number: int) -> bool:
        return True

    patch.setattr(RecentCalls, "is_clear_for", wrong)


def failures_are_held_with_no_success_since(patch: pytest.MonkeyPatch) -> None:
    fail = Run._fail

    def wrong(self: Run, entry: Entry | None, outcome: Outcome[str], now: float) -> None:
        fail(self, entry, outcome, now)
        if entry is not None:
            entry.held += 1

    patch.setattr(Run, "_fail", wrong)


def failed_items_are_tried_again_in_an_outage(patch: pytest.MonkeyPatch) -> None:
    fail = Entry.fail

    def wrong(self: Entry, outcome: Outcome[str], now: float) -> None:
        fail(self, outcome, now)
        self.retriable = True

    patch.setattr(Entry, "fail", wrong)


def outage_goes_unseen(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: RecentCalls) -> bool:
        return False

    patch.setattr(RecentCalls, "is_outage", wrong)


def snooze_loses_the_doubtful(patch: pytest.MonkeyPatch) -> None:
    resume = Run.resume

    def wrong(self: Run) -> None:
        resume(self)
        self._doubtful.proven_by(None)

    patch.setattr(Run, "resume", wrong)


def snooze_loses_the_waiting(patch: pytest.MonkeyPatch) -> None:
    forgive = Unsettled.forgive

    def wrong(self: Unsettled) -> None:
        self.waiting.clear()
        forgive(self)

    patch.setattr(Unsettled, "forgive", wrong)


def cut_loses_the_item(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Run, call: Call) -> None:
        self.pace.drop(call.number)
        self._landing(call)

    patch.setattr(Run, "cut", wrong)


def recalled_is_asked_again(patch: pytest.MonkeyPatch) -> None:
    admit = Admission.admit

    def wrong(self: Admission, items: Sequence[Item], recalled: Mapping[str, Outcome[str]]) -> None:
        del recalled
        admit(self, items, {})

    patch.setattr(Admission, "admit", wrong)


def empty_is_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Item, "is_empty", False)


def stop_is_ignored(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Run, pause: Pause) -> None:
        pass

    patch.setattr(Run, "stop", wrong)


def halt_lets_calls_start(patch: pytest.MonkeyPatch) -> None:
    closed = property(lambda self: bool(self._provider.outage or self._pause))
    patch.setattr(Run, "_is_closed", closed)


def halt_is_overwritten(patch: pytest.MonkeyPatch) -> None:
    decide = Run.decide

    def wrong(self: Run, now: float, jitter: float) -> object:
        self._halt = None
        return decide(self, now, jitter)

    patch.setattr(Run, "decide", wrong)


def one_call_too_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pace, "is_full", property(lambda self: len(self._flights) > self.limit))


def window_without_end(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Window) -> int:
        return 0

    patch.setattr(Window, "__len__", wrong)


def suspects_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    nobody: Sequence[Suspect] = ()
    patch.setattr(Run, "suspects", property(lambda _: nobody))


def done_with_items_waiting(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Run, now: float, jitter: float) -> Decision:
        return Done()

    patch.setattr(Run, "_decide_waiting", wrong)


def waits_for_ever_on_what_failed(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Run, now: float, jitter: float) -> None:
        return None

    patch.setattr(Run, "_decide_waiting", wrong)


def one_poisonous_row_is_the_canary(patch: pytest.MonkeyPatch) -> None:
    following = Run._next

    def wrong(self: Run, now: float) -> Call | None:
        items = self._items
        if self._provider.needs_canary and items.fresh and not items.flying:
            return Call(items.fresh[0].number, items.fresh[0].item)
        return following(self, now)

    patch.setattr(Run, "_next", wrong)


def holds_are_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pace, "opens_at", property(lambda _: -math.inf))


def throttling_raises_the_limit(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Concurrency, order: int, share: float) -> bool:
        self._allowed = min(self._allowed + 1, float(self._most))
        return True

    patch.setattr(Concurrency, "throttled", wrong)


def any_failure_lowers_the_limit(patch: pytest.MonkeyPatch) -> None:
    land = Pace.land

    def wrong(self: Pace, number: int | None, outcome: Outcome[str], now: float) -> None:
        if outcome.kind.is_availability:
            outcome = replace(outcome, kind=OutcomeKind.THROTTLED)
        land(self, number, outcome, now)

    patch.setattr(Pace, "land", wrong)


def a_hold_sets_no_alarm(patch: pytest.MonkeyPatch) -> None:
    wake_at = cast("property", Run.wake_at)

    def wrong(self: Run) -> object:
        return None if self._items.fresh else wake_at.__get__(self)

    patch.setattr(Run, "wake_at", property(wrong))


def a_hold_before_a_probe_sets_no_alarm(patch: pytest.MonkeyPatch) -> None:
    wake_at = cast("property", Run.wake_at)

    def wrong(self: Run) -> object:
        return None if self._needs_probe else wake_at.__get__(self)

    patch.setattr(Run, "wake_at", property(wrong))


def any_header_is_believed(patch: pytest.MonkeyPatch) -> None:
    def wrong(stated: RateLimit) -> bool:
        return stated.name in NAMES and stated.limit > 0

    def slow(stated: RateLimit) -> float:
        return 1 / min(max(1.0, stated.resets_in_s), 1e9)

    patch.setattr(pace, "is_sane", wrong)
    patch.setattr(allowance, "_rate", slow)
    patch.setattr(bucket, "LONGEST_WAIT_S", math.inf)


def a_cut_call_keeps_its_place(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Pace, number: int | None) -> None:
        pass

    patch.setattr(Pace, "drop", wrong)
