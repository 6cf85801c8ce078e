"""Watches a run from outside and fails it when an invariant of the design does not hold.

It keeps its own account of what landed. Where it can't know better it counts in the run's favour.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from kclassify.core.availability import Suspect
from kclassify.core.bucket import LONGEST_WAIT_S
from kclassify.core.decision import Advance, Decision, Done, Halt, Snooze
from kclassify.core.item import Item, Key
from kclassify.core.policy import RunPolicy
from kclassify.core.run import Run
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Call, Landed, Phase
from tests.core.account import Account
from tests.core.corpus import Nature, nature_of

AT_REST = "only items without an answer are left"


class Referee:
    def __init__(self, policy: RunPolicy, items: Sequence[Item]) -> None:
        self._policy = policy
        self._items = items
        self.account = Account(policy)
        self._awaits_canary = False
        self._has_answer = False
        self._halt: Halt | None = None
        self._is_stopped = False
        self._cursor: Key | None = None

    def begins(
        self, cursor: Key | None, suspects: Collection[Suspect], *, after_snooze: bool
    ) -> None:
        """A new run: whatever the last one knew is gone."""
        self.account.restart(suspects)
        self._cursor = cursor
        self._awaits_canary = after_snooze
        self._held_until = -math.inf
        self._has_answer = self._is_stopped = False
        self._halt = None

    def resumes(self) -> None:
        self.account.resume()
        self._awaits_canary = True
        self._held_until = -math.inf

    def stops(self) -> None:
        self._is_stopped = True

    def starts(
        self, calls: Sequence[Call], flying: Collection[Call], paid: Collection[str]
    ) -> None:
        """These calls are to start while those are in flight; `paid` are the recorded digests."""
        if not calls:
            return
        assert self._halt is None, "a call starts after a halt"
        assert not self._is_stopped, "a call starts after a stop"
        assert not self.account.must_break, "a call starts although the provider is out"
        asked = [call.item.digest for call in (*flying, *calls)]
        assert len(set(asked)) == len(asked), "two calls ask for the same text at the same time"
        assert not set(asked[len(flying) :]) & set(paid), "a text that was paid for is asked again"
        assert len(asked) <= self._policy.max_concurrency, "too many calls at once"
        assert not any(not call.item.body.strip() for call in calls), "an empty item is asked"
        if self._awaits_canary:
            assert len(asked) == 1, "the first call after a snooze is not alone"
        self.account.start(calls)

    def paces(self, run: Run, calls: Sequence[Call], now: float) -> None:
        """These calls, which have just started, are not more or earlier than the provider takes."""
        assert 1 <= run.pace.limit <= self._policy.max_concurrency, "a limit out of bounds"
        assert not calls or run.in_flight <= run.pace.limit, "more calls than the limit"
        assert not calls or now >= self._held_until, "a call starts although the provider said when"
        assert run.pace.opens_at <= now + LONGEST_WAIT_S, "a provider stops a run for minutes"

    def hears(self, run: Run, outcome: Outcome[str], limit_before: int, now: float) -> None:
        """A call has come back, before which the limit was this."""
        gain = run.pace.limit - limit_before
        if outcome.kind is OutcomeKind.THROTTLED:
            assert gain <= 0, "throttling raises the limit"
            assert run.pace.limit >= limit_before // 2, "a limit falls by more than half"
            wait = outcome.retry_after_s or 0.0
            if wait <= self._policy.retry.max_seconds:
                self._held_until = max(self._held_until, now + wait)
        elif outcome.kind.is_availability:
            assert gain == 0, "a lone failure changes the limit"
        else:
            assert gain in (0, 1), "an answer lowers the limit, or raises it by more than one"

    def lands(self, run: Run, call: Call, outcome: Outcome[str] | Halt) -> None:
        key = None if call.number is None else call.item.key
        if isinstance(outcome, Halt):
            self._halt = self._halt or outcome
        elif outcome.kind.is_availability:
            self.account.fail(key)
            assert phase_of(run, key) is not Phase.SETTLED, "a failure of the provider ends an item"
        else:
            self._awaits_canary = False
            self._has_answer = self._has_answer or outcome.kind is not OutcomeKind.REJECTED
            self.account.answer(key)
        self.checks(run)

    def checks(self, run: Run) -> None:
        """What holds after every transition."""
        assert run.in_flight <= self._policy.max_concurrency, "too many calls at once"
        assert run.cursor == self._cursor, "the cursor moved without a drain"
        assert len(run._window._entries) <= self._policy.window, "the window is too long"
        blamed = {suspect.key for suspect in run.suspects if suspect.undecided}
        if self.account.must_break:
            assert not blamed & self.account.unanswered, "an outage counts against its items"
        for suspect in run.suspects:
            held = self.account.charged[suspect.key]
            assert suspect.held <= held, f"item {suspect.key} is held {suspect.held} times, {held=}"

    def drains(self, landed: Sequence[Landed], run: Run) -> None:
        """These items went behind the cursor."""
        first = 0 if self._cursor is None else int(str(self._cursor))
        expected = [item.key for item in self._items[first : first + len(landed)]]
        assert [one.key for one in landed] == expected, "items are skipped or out of order"
        self._cursor = landed[-1].key if landed else self._cursor
        assert run.cursor == self._cursor, "the cursor is elsewhere"
        for one in landed:
            self._judge(one)

    def _judge(self, landed: Landed) -> None:
        item = self._items[int(str(landed.key)) - 1]
        kind, nature = landed.outcome.kind, nature_of(item)
        assert landed.digest == item.digest, "another text's outcome"
        assert landed.current == item.current, "the label that was read is lost"
        if kind is OutcomeKind.REJECTED:
            assert self._has_answer, "an item is marked as rejected though nothing was answered"
        if kind.is_availability:
            twins = [one.key for one in self._items if one.digest == item.digest]
            most = max(self.account.charged[key] for key in twins)
            assert most >= self._policy.retry.max_attempts, f"item {item.key} skipped after {most}"
        else:
            assert nature is not Nature.POISON, "a poisonous item has an answer"
            assert kind == nature.value, f"item {item.key} is {nature}, not {kind}"

    def decides(self, run: Run, decision: Decision) -> None:
        """The run made this decision, other than to go on."""
        assert run.in_flight == 0, "a decision with calls in flight"
        assert not run.is_ready, "a decision with settled items in hand"
        assert not (self._halt and decision != self._halt), "a halt is forgotten"
        if isinstance(decision, Snooze):
            assert decision.seconds >= 1
            is_outage = decision.reason != AT_REST
            reason = self.account.may_break if is_outage else self.account.may_rest
            assert reason, "a snooze without a reason"
            self.account.snooze(is_outage=is_outage)
        elif isinstance(decision, Done | Advance):
            assert not self.account.must_break, "an outage is over without a snooze"
        if isinstance(decision, Done):
            assert run.cursor == self._items[-1].key, "done before the last item is settled"


def phase_of(run: Run, key: Key | None) -> Phase | None:
    phases = (entry.phase for entry in run._window._entries if entry.key == key)
    return next(phases, None)
