"""Hypothesis plays the world against the run: any interleaving, any failure, any crash point."""

from __future__ import annotations

import math
import sys

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from kclassify.core.decision import Done, Halt, Pause
from kclassify.core.policy import RetryPolicy, RunPolicy, SnoozePolicy
from kclassify.core.rate_limit import RateLimit
from kclassify.core.verdict import Outcome, OutcomeKind
from tests.core.corpus import ITEM_FAILURES, Nature, corpus, unavailable
from tests.core.world import World

HEALTHY = (Nature.GOOD, Nature.GOOD, Nature.ABSTAINED, Nature.EMPTY, *ITEM_FAILURES)
FAILURES = st.builds(
    unavailable,
    st.sampled_from([OutcomeKind.TIMED_OUT, OutcomeKind.THROTTLED, OutcomeKind.UNAVAILABLE]),
    st.sampled_from([None, 0.0, 5.0, 3600.0]),
)
CRAZY = (0.0, -1.0, math.nan, math.inf, 3e7)
LIMITS = st.lists(
    st.builds(
        RateLimit,
        st.sampled_from(["requests", "tokens", "input-tokens", "output-tokens", "moons"]),
        st.sampled_from([1.0, 5.0, 50.0, 1e6, *CRAZY]),
        st.sampled_from([0.0, 1.0, 49.0, *CRAZY]),
        st.sampled_from([0.0, 1.0, 60.0, 86_400.0, *CRAZY]),
    ),
    max_size=2,
)
PICK = st.integers(0, 1000)


def rows(*natures: Nature) -> st.SearchStrategy[list[tuple[Nature, int]]]:
    row = st.tuples(st.sampled_from(natures), st.integers(0, 15))
    return st.lists(row, min_size=1, max_size=6) | st.lists(row, min_size=12, max_size=24)


CORPORA = st.one_of(
    rows(*HEALTHY),
    rows(*HEALTHY, Nature.POISON),
    rows(Nature.GOOD, Nature.POISON),
    rows(Nature.REJECTED, Nature.POISON),
    rows(*ITEM_FAILURES),
    st.sampled_from(ITEM_FAILURES).flatmap(rows),
    rows(Nature.POISON),
)


class RunMachine(RuleBasedStateMachine):
    world: World

    @initialize(
        rows=CORPORA,
        concurrency=st.sampled_from([1, 1, 2, 3, 4, 8]),
        max_attempts=st.integers(1, 3),
        max_items=st.sampled_from([None, None, 1, 3]),
        by_steps=st.booleans(),
        rejects_all=st.sampled_from([False, False, False, True]),
        is_quiet=st.booleans(),
        breaks=st.tuples(st.integers(0, 2), st.integers(0, 1)),
    )
    def begin(
        self,
        rows: list[tuple[Nature, int]],
        concurrency: int,
        max_attempts: int,
        max_items: int | None,
        by_steps: bool,
        rejects_all: bool,
        is_quiet: bool,
        breaks: tuple[int, int],
    ) -> None:
        policy = RunPolicy(
            max_concurrency=concurrency,
            smallest_window=8,
            snooze=SnoozePolicy(observations=12, min_observations=3),
            retry=RetryPolicy(max_attempts=max_attempts),
        )
        self.rejects_all, self.is_quiet = rejects_all, is_quiet
        self.interruptions, self.halts = breaks
        self.world = World(
            corpus(rows), policy, max_items=max_items, by_steps=by_steps, rejects_all=rejects_all
        )

    def _one(self, pick: int) -> int:
        return pick % len(self.world.flying)

    def _interrupt(self) -> None:
        self.interruptions -= 1

    @precondition(lambda self: self.world.run.wants_items)
    @rule(at_most=st.integers(1, 12))
    def fetch(self, at_most: int) -> None:
        self.world.fetch(at_most)

    @rule()
    def start(self) -> None:
        self.world.start()

    @precondition(lambda self: self.world.flying)
    @rule(pick=PICK)
    def land(self, pick: int) -> None:
        self.world.land(self._one(pick))

    @precondition(lambda self: self.world.flying and self.interruptions)
    @rule(pick=PICK)
    def crash_as_a_verdict_is_recorded(self, pick: int) -> None:
        self._interrupt()
        self.world.land(self._one(pick), crash=True)

    @precondition(lambda self: self.world.flying and not self.is_quiet)
    @rule(pick=PICK, failure=FAILURES)
    def land_without_an_answer(self, pick: int, failure: Outcome[str]) -> None:
        self.world.land(self._one(pick), failure)

    @precondition(lambda self: self.world.flying)
    @rule(pick=PICK)
    def cut(self, pick: int) -> None:
        self.world.cut(self._one(pick))

    @precondition(lambda self: self.world.flying and self.halts)
    @rule(pick=PICK)
    def halt(self, pick: int) -> None:
        self.halts -= 1
        self.world.halt(self._one(pick))

    @rule(limit=st.integers(1, 5))
    def checkpoint(self, limit: int) -> None:
        self.world.checkpoint(limit)

    @precondition(lambda self: self.interruptions)
    @rule()
    def crash_before_a_checkpoint_commits(self) -> None:
        self._interrupt()
        self.world.checkpoint(crash=True)

    @precondition(lambda self: self.interruptions)
    @rule()
    def crash(self) -> None:
        self._interrupt()
        self.world.crash()

    @precondition(lambda self: self.interruptions)
    @rule(pause=st.sampled_from([Pause.BUDGET, Pause.STOPPED]))
    def stop(self, pause: Pause) -> None:
        self._interrupt()
        self.world.stop(pause)

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 40.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @precondition(lambda self: not self.is_quiet)
    @rule(is_out=st.booleans())
    def outage(self, is_out: bool) -> None:
        self.world.is_out = is_out

    @rule(limits=LIMITS)
    def say_rate_limits(self, limits: list[RateLimit]) -> None:
        self.world.rate_limits = tuple(limits)

    @precondition(lambda self: not self.is_quiet)
    @rule(each=st.integers(0, 3), wait=st.sampled_from([None, 5.0, 3600.0]))
    def throttle(self, each: int, wait: float | None) -> None:
        self.world.throttles_each = each
        self.world.throttled = unavailable(OutcomeKind.THROTTLED, wait)

    @rule(jitter=st.sampled_from([0.0, 0.99]))
    def decide(self, jitter: float) -> None:
        self.world.decide(jitter)

    @rule(rounds=st.integers(1, 6))
    def work(self, rounds: int) -> None:
        for _ in range(rounds):
            self.world.round()
            self.world.now += 1.0

    def teardown(self) -> None:
        """From here on the provider is healthy, and nobody crashes: the pass must end."""
        if not hasattr(self, "world") or sys.exc_info()[0] is not None:
            return
        self.world.is_out, self.world.throttles_each = False, 0
        decision = self.world.finish()
        if isinstance(decision, Halt) and not self.rejects_all:
            decision = self.world.finish()
        assert isinstance(decision, Done) or self.rejects_all, f"a halt without a cause: {decision}"
