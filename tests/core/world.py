"""An adversarial world around one run: its provider, its ledger, its source and its clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kclassify.core.availability import Breaker, Suspect
from kclassify.core.decision import Advance, Decision, Done, Halt, Pause, Snooze
from kclassify.core.item import Item, Key
from kclassify.core.policy import RunPolicy
from kclassify.core.rate_limit import RateLimit
from kclassify.core.run import Run
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Call
from tests.core.corpus import Nature, nature_of, outcome_of, unavailable
from tests.core.referee import Referee

SPENT_KEY = Halt("the key is not valid")


class World:
    """One worker at a time runs; what it stored outlives it.

    `by_steps` makes each snooze end the process, as in a job system. `rejects_all` is a provider
    that takes no request at all.
    """

    def __init__(
        self,
        items: Sequence[Item],
        policy: RunPolicy,
        *,
        max_items: int | None = None,
        by_steps: bool = False,
        rejects_all: bool = False,
    ) -> None:
        self.items = items
        self.policy = policy
        self._max_items = max_items
        self._by_steps = by_steps
        self._rejects_all = rejects_all
        self.now = 1_000_000.0
        self.is_out = False
        self.rate_limits: tuple[RateLimit, ...] = ()
        self.throttles_each = 0
        self.throttled = unavailable(OutcomeKind.THROTTLED)
        self.paid: dict[str, Outcome[str]] = {}
        self.settled: list[tuple[Key, OutcomeKind]] = []
        self.decisions: list[Decision] = []
        self.calls = 0
        self.referee = Referee(policy, items)
        self._begin_pass()

    def _begin_pass(self) -> None:
        self.settled.clear()
        self._stored: tuple[Key | None, Breaker, tuple[Suspect, ...]] = (None, Breaker(), ())
        self.crash()

    def crash(self) -> None:
        """Drop the run; the next one starts from what was stored."""
        cursor, breaker, suspects = self._stored
        self.run = Run(
            self.policy,
            cursor=cursor,
            breaker=breaker,
            suspects=suspects,
            max_items=self._max_items,
        )
        self.flying: list[Call] = []
        self._read_to = 0 if cursor is None else int(str(cursor))
        self.referee.begins(cursor, suspects, after_snooze=breaker.snoozes > 0)

    def fetch(self, at_most: int) -> None:
        limit = min(self.run.room, at_most)
        page = self.items[self._read_to : self._read_to + limit]
        digests = {item.digest for item in page} & set(self.paid)
        self._read_to += len(page)
        self.run.admit(page, {digest: self.paid[digest] for digest in digests})
        if len(page) < limit:
            self.run.end_of_source()
        self.referee.checks(self.run)

    def start(self) -> None:
        calls = self.run.start(self.now)
        self.referee.starts(calls, self.flying, self.paid)
        self.referee.paces(self.run, calls, self.now)
        self.flying += calls
        self.calls += len(calls)
        assert self.run.in_flight == len(self.flying), "too many calls at once"
        wake_at = self.run.wake_at
        assert wake_at is None or wake_at > self.now, "an alarm that rings for nothing"

    def _check_for_a_deadlock(self) -> None:
        """With nothing in flight and no decision, there are calls to start, now or later."""
        run = self.run
        if not (self.flying or run.is_ready or run.wants_items):
            self.start()
            assert self.flying or run.wake_at is not None, "a deadlock: nothing to do, no decision"

    def land(self, index: int, failure: Outcome[str] | None = None, *, crash: bool = False) -> None:
        """A call returns: with this failure, or as its item and the provider would have it."""
        call = self.flying.pop(index)
        outcome = replace(failure or self._answer(call), rate_limits=self.rate_limits)
        if outcome.kind.is_paid and call.number is not None:
            self.paid.setdefault(call.item.digest, outcome)
        if crash:
            self.crash()
            return
        before = self.run.pace.limit
        self.run.settle(call, outcome, self.now)
        self.referee.account.now = self.now
        self.referee.lands(self.run, call, outcome)
        self.referee.hears(self.run, outcome, before, self.now)

    def _answer(self, call: Call) -> Outcome[str]:
        nature = Nature.GOOD if call.number is None else nature_of(call.item)
        if self.is_out or nature is Nature.POISON:
            return unavailable(OutcomeKind.TIMED_OUT)
        if self.throttles_each and self.calls % self.throttles_each == 0:
            return self.throttled
        return outcome_of(Nature.REJECTED if self._rejects_all else nature)

    def halt(self, index: int) -> None:
        call = self.flying.pop(index)
        self.run.settle(call, SPENT_KEY, self.now)
        self.referee.lands(self.run, call, SPENT_KEY)

    def cut(self, index: int) -> None:
        self.run.cut(self.flying.pop(index))
        self.referee.checks(self.run)

    def stop(self, pause: Pause) -> None:
        self.run.stop(pause)
        self.referee.stops()

    def checkpoint(self, limit: int = 100, *, crash: bool = False) -> None:
        """Drain and store, in one transaction; a crash comes before it commits."""
        landed = self.run.drain(limit)
        self.referee.drains(landed, self.run)
        if crash:
            self.crash()
            return
        self.settled += [(one.key, one.outcome.kind) for one in landed]
        self._stored = (self.run.cursor, self.run.breaker, self.run.suspects)

    def decide(self, jitter: float = 0.5) -> Decision | None:
        decision = self.run.decide(self.now, jitter)
        if decision is not None:
            self.decisions.append(decision)
            self.referee.decides(self.run, decision)
            self.checkpoint()
            self._obey(decision)
        else:
            self._check_for_a_deadlock()
        return decision

    def _obey(self, decision: Decision) -> None:
        if isinstance(decision, Snooze):
            self.now += decision.seconds
        if isinstance(decision, Snooze) and not self._by_steps:
            self.run.resume()
            self.referee.resumes()
        elif isinstance(decision, Advance | Halt | Snooze):
            self.crash()
        elif isinstance(decision, Done):
            assert [key for key, _ in self.settled] == [item.key for item in self.items]
            self.outcomes = list(self.settled)
            self._begin_pass()

    def round(self) -> Decision | None:
        """What a runner does in one turn, every call landing at once, last started first."""
        if self.run.wants_items:
            self.fetch(self.run.room)
        self.start()
        while self.flying:
            self.land(len(self.flying) - 1)
        if self.run.is_ready:
            self.checkpoint()
        return self.decide()

    def finish(self, rounds: int | None = None) -> Decision:
        """Go on to the end of the pass. The clock moves only when nothing else can."""
        bound = rounds or 60 + 40 * len(self.items)
        for _ in range(bound):
            decision = self.round()
            if isinstance(decision, Done | Halt):
                return decision
            if decision is None and not self._has_work():
                wake_at = self.run.wake_at
                assert wake_at is not None, "a deadlock: nothing to do, and no decision"
                self.now = wake_at
        raise AssertionError(f"no end after {bound} rounds: {self.decisions[-3:]}")

    def _has_work(self) -> bool:
        if self.flying or self.run.is_ready or self.run.wants_items:
            return True
        self.start()
        return bool(self.flying)
