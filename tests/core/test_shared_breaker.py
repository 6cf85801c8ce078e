from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.availability import Breaker
from kclassify.core.shared_breaker import merged

CLOSED = Breaker()
NOW = 1_000_000.0

opened = st.builds(
    Breaker,
    snoozes=st.integers(1, 9),
    until=st.floats(NOW - 1e5, NOW),
    seconds=st.integers(1, 3600),
    outage_since=st.floats(NOW - 3e5, NOW - 2e5),
)
breakers = st.just(CLOSED) | opened


@dataclass(frozen=True)
class Worker:
    """What one worker of a run did since it last looked."""

    did: str
    at: float
    seconds: int

    def held(self, seen: Breaker) -> Breaker:
        if self.did == "tripped":
            return seen.tripped(self.at, self.seconds)
        return CLOSED if self.did == "answered" else seen


workers = st.builds(
    Worker,
    st.sampled_from(["nothing", "answered", "tripped"]),
    st.floats(NOW, NOW + 1e4),
    st.integers(1, 3600),
)


def heard(seen: Breaker, *in_order: Worker) -> Breaker:
    """What is stored once these workers, which all saw the same, have checkpointed."""
    stored = seen
    for worker in in_order:
        stored = merged(seen, worker.held(seen), stored)
    return stored


@given(breakers, breakers)
def test_who_changed_nothing_adopts_what_is_stored(seen: Breaker, stored: Breaker) -> None:
    assert merged(seen, seen, stored) == stored


@given(breakers, workers)
def test_a_worker_alone_stores_what_it_holds(seen: Breaker, worker: Worker) -> None:
    assert merged(seen, worker.held(seen), seen) == worker.held(seen)


@given(breakers, st.lists(workers, max_size=3))
def test_the_order_in_which_workers_are_heard_does_not_matter(
    seen: Breaker, some: list[Worker]
) -> None:
    assert len({heard(seen, *order) for order in permutations(some)}) <= 1


@given(breakers, workers, breakers)
def test_to_be_heard_twice_is_to_be_heard_once(
    seen: Breaker, worker: Worker, stored: Breaker
) -> None:
    once = merged(seen, worker.held(seen), stored)
    assert merged(seen, worker.held(seen), once) == once


@given(breakers, st.lists(workers, min_size=1, max_size=4))
def test_no_trip_is_lost_and_no_deadline_is_shortened(seen: Breaker, some: list[Worker]) -> None:
    trips = [worker for worker in some if worker.did == "tripped"]
    stored = heard(seen, *some)
    if trips:
        assert stored.until == max(worker.at + worker.seconds for worker in trips)
        assert stored.remaining(NOW) >= 1
    for worker in trips:
        assert stored.until >= worker.held(seen).until
        assert (stored.outage_since or 0.0) <= (worker.held(seen).outage_since or 0.0)


@given(breakers, st.lists(workers, min_size=1, max_size=4))
def test_workers_that_trip_at_once_count_as_one_snooze(seen: Breaker, some: list[Worker]) -> None:
    if any(worker.did == "tripped" for worker in some):
        assert heard(seen, *some).snoozes == seen.snoozes + 1


@given(opened, st.integers(1, 4))
def test_an_answer_that_one_worker_got_closes_it_for_all(seen: Breaker, count: int) -> None:
    others = [Worker("nothing", NOW, 1)] * count
    assert heard(seen, *others, Worker("answered", NOW, 1), *others) == CLOSED


@pytest.mark.parametrize("seen", [CLOSED, Breaker(2, NOW - 1, 120, NOW - 200)])
def test_an_answer_from_before_a_trip_does_not_close_what_came_after(seen: Breaker) -> None:
    tripped = seen.tripped(NOW, 60)
    assert merged(Breaker(1, NOW - 90, 60, NOW - 150), CLOSED, tripped) == tripped
