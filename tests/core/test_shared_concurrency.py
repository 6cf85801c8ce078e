"""What the workers of one run may have in flight: never more than the total, and all of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from kclassify.core import shared_concurrency
from kclassify.core.pace import Pace
from kclassify.core.policy import RunPolicy
from kclassify.core.shared_concurrency import Grant, Share, share
from tests.core.corpus import Nature, outcome_of

GOOD = outcome_of(Nature.GOOD)
SHARDS = st.integers(0, 3)


def test_one_worker_has_all_of_them() -> None:
    assert share(10, 3, 0, []) == Share(10, 10)
    assert share(10, 3, 4, [Grant(3, 4)]) == Share(10, 10)


def test_the_first_workers_have_one_more_where_they_do_not_divide() -> None:
    grants = [Grant(shard, 0) for shard in (7, 2, 5)]
    assert [share(11, shard, 0, grants).limit for shard in (2, 5, 7)] == [4, 4, 3]


def test_who_has_more_than_its_share_starts_none_and_gives_back_what_has_landed() -> None:
    grants = [Grant(1, 10), Grant(2, 0)]
    assert share(10, 1, 10, grants) == Share(5, 10)
    assert share(10, 1, 7, grants) == Share(5, 7)
    assert share(10, 1, 3, grants) == Share(5, 5)


def test_a_newcomer_takes_what_is_left() -> None:
    assert share(10, 2, 0, [Grant(1, 10)]) == Share(0, 0)
    assert share(10, 2, 0, [Grant(1, 7)]) == Share(3, 3)
    assert share(10, 2, 3, [Grant(1, 5), Grant(2, 3)]) == Share(5, 5)


def test_a_total_that_was_lowered_leaves_nothing_and_is_no_debt() -> None:
    assert share(4, 2, 0, [Grant(1, 10)]) == Share(0, 0)


def test_more_workers_than_calls_leave_some_without() -> None:
    grants = [Grant(shard, 0) for shard in range(5)]
    assert [share(3, shard, 0, grants).limit for shard in range(5)] == [1, 1, 1, 0, 0]


@dataclass
class Worker:
    """One process: it heeds an answer some time after its look, and calls in between."""

    pace: Pace
    answer: Share
    calls: int = 0

    @property
    def flying(self) -> int:
        return len(self.pace._flights)

    def start(self) -> None:
        while self.pace.may_start(0.0):
            self.calls += 1
            self.pace.start(self.calls, 0.0)

    def land(self, count: int) -> None:
        for number in list(self.pace._flights)[:count]:
            self.pace.land(number, GOOD, 0.0)


class SharedCalls(RuleBasedStateMachine):
    """Workers that come, look, heed, call, end and die, in any order."""

    @initialize(total=st.integers(1, 12))
    def begin(self, total: int) -> None:
        self.total = total
        self.granted: dict[int, int] = {}
        self.workers: dict[int, Worker] = {}
        self.dead: dict[int, int] = {}

    def look(self, shard: int, most_in_flight: int) -> Share:
        """Read and store, as under a lock; the answer is heeded later."""
        grants = [Grant(number, calls) for number, calls in self.granted.items()]
        said = shared_concurrency.share(self.total, shard, most_in_flight, grants)
        self.granted[shard] = said.granted
        return said

    def turn(self, shard: int) -> None:
        worker = self.workers[shard]
        worker.pace.allow(worker.answer.limit)
        worker.start()
        worker.answer = self.look(shard, worker.pace.most_in_flight)

    @rule(shard=SHARDS, first=st.integers(1, 12))
    def come_or_heed_and_look_again(self, shard: int, first: int) -> None:
        if shard in self.workers:
            self.turn(shard)
        elif shard not in self.dead:
            pace = Pace(RunPolicy(max_concurrency=12), first=first)
            pace.allow(0)
            self.workers[shard] = Worker(pace, self.look(shard, 0))

    @rule(shard=SHARDS, count=st.integers(0, 12))
    def land_some_and_start_more_before_heeding(self, shard: int, count: int) -> None:
        if shard in self.workers:
            self.workers[shard].land(count)
            self.workers[shard].start()

    @rule(shard=SHARDS, count=st.integers(1, 12))
    def land_some(self, shard: int, count: int) -> None:
        if shard in self.workers:
            self.workers[shard].land(count)

    @rule(shard=SHARDS)
    def end(self, shard: int) -> None:
        """All its calls land, and it gives back what it was granted."""
        if self.workers.pop(shard, None):
            del self.granted[shard]

    @rule(shard=SHARDS)
    def die_or_lose_the_lease(self, shard: int) -> None:
        """Its calls may fly on for as long as its lease lasts, and nobody hears of them."""
        if shard in self.workers:
            self.dead[shard] = self.workers.pop(shard).flying
        elif self.dead.pop(shard, None) is not None:
            del self.granted[shard]

    @invariant()
    def never_more_than_the_total(self) -> None:
        if hasattr(self, "workers"):
            flying = sum(worker.flying for worker in self.workers.values())
            assert flying + sum(self.dead.values()) <= self.total
            assert sum(self.granted.values()) <= self.total

    def teardown(self) -> None:
        """Where all look often enough each has its fair share, and nothing is idle."""
        for shard in getattr(self, "dead", ()):
            del self.granted[shard]
        active = sorted(getattr(self, "workers", ()))
        for shard in active * 4:
            self.workers[shard].land(12)
            self.turn(shard)
        if active:
            extra = self.total % len(active)
            fair = [self.total // len(active) + (rank < extra) for rank in range(len(active))]
            assert [self.granted[shard] for shard in active] == fair
            assert [self.workers[shard].pace.most_in_flight for shard in active] == fair
            assert sum(fair) == self.total


TestSharedCalls = SharedCalls.TestCase


@given(
    total=st.integers(0, 30),
    mine=SHARDS,
    calls=st.dictionaries(SHARDS, st.integers(0, 10)),
    in_flight=st.integers(0, 10),
)
def test_what_is_granted_covers_what_flies_and_the_limit(
    total: int, mine: int, calls: dict[int, int], in_flight: int
) -> None:
    taken = share(total, mine, in_flight, [Grant(*entry) for entry in calls.items()])
    assert 0 <= taken.limit <= taken.granted
    assert in_flight <= taken.granted
    others = sum(number for shard, number in calls.items() if shard != mine)
    assert taken.limit <= max(0, total - others)


def gives_back_at_once(total: int, mine: int, in_flight: int, grants: list[Grant]) -> Share:
    limit = share(total, mine, in_flight, grants).limit
    return Share(limit, limit)


def takes_its_fair_share_at_once(
    total: int, mine: int, in_flight: int, grants: list[Grant]
) -> Share:
    fair = share(total, mine, in_flight, [Grant(grant.shard, 0) for grant in grants]).limit
    return Share(fair, max(fair, in_flight))


def never_gives_back(total: int, mine: int, in_flight: int, grants: list[Grant]) -> Share:
    taken = share(total, mine, in_flight, grants)
    held = sum(grant.calls for grant in grants if grant.shard == mine)
    return Share(taken.limit, max(taken.granted, held))


def has_no_remainder(total: int, mine: int, in_flight: int, grants: list[Grant]) -> Share:
    active = len({grant.shard for grant in grants} | {mine})
    return share(total - total % active, mine, in_flight, grants)


PLANTED = [gives_back_at_once, takes_its_fair_share_at_once, never_gives_back, has_no_remainder]
MANY = settings(max_examples=500, phases=[Phase.generate], database=None)


@pytest.mark.parametrize("bug", PLANTED)
def test_the_machine_finds(bug: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_concurrency, "share", bug)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(SharedCalls, settings=MANY)


def test_the_machine_finds_a_worker_that_tells_only_what_flies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Pace, "most_in_flight", property(lambda self: len(self._flights)))
    with pytest.raises(AssertionError):
        run_state_machine_as_test(SharedCalls, settings=MANY)
