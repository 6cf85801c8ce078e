"""A run whose calls have a bound from outside: it starts no more, waits, and goes on."""

from __future__ import annotations

from kclassify.core.availability import Breaker
from kclassify.core.decision import Advance, Done, Pause
from kclassify.core.pace import Pace
from kclassify.core.policy import RunPolicy
from kclassify.core.run import Run
from tests.core.corpus import Nature, distinct, outcome_of

GOOD = outcome_of(Nature.GOOD)
RECOVERING = Breaker(snoozes=1, until=-1.0, seconds=60, outage_since=-61.0)


def run_of(items: int, first: int | None = 8, breaker: Breaker | None = None) -> Run:
    run = Run(RunPolicy(max_concurrency=10), first_limit=first, breaker=breaker)
    run.admit(distinct(*[Nature.GOOD] * items), {})
    run.end_of_source()
    return run


def test_a_run_begins_with_what_the_step_before_it_reached() -> None:
    assert len(run_of(20).start(0.0)) == 8


def test_after_an_outage_one_canary_begins_whatever_was_reached() -> None:
    run = run_of(20, breaker=RECOVERING)
    assert [call.number for call in run.start(0.0)] == [None]
    assert run.pace.limit == 5


def test_with_none_allowed_nothing_starts_nothing_is_due_and_nothing_is_decided() -> None:
    run = run_of(3)
    run.pace.allow(0)
    assert (run.start(0.0), run.wake_at, run.decide(0.0, 0.0)) == ([], None, None)


def test_with_none_allowed_no_canary_starts() -> None:
    run = run_of(3, breaker=RECOVERING)
    run.pace.allow(0)
    assert (run.start(0.0), run.wake_at, run.decide(0.0, 0.0)) == ([], None, None)


def test_once_some_are_allowed_they_are_due_at_once() -> None:
    run = run_of(3)
    run.pace.allow(0)
    run.start(0.0)
    run.pace.allow(2)
    assert run.wake_at is not None
    assert run.wake_at <= 0.0
    assert len(run.start(0.0)) == 2


def test_calls_in_flight_land_after_the_bound_fell() -> None:
    run = run_of(6, first=4)
    calls = run.start(0.0)
    run.pace.allow(0)
    assert run.pace.most_in_flight == 4
    for call in calls:
        run.settle(call, GOOD, 1.0)
    assert (run.start(1.0), run.wake_at, run.pace.most_in_flight) == ([], None, 0)
    assert len(run.drain(10)) == 4


def test_a_run_without_work_is_done_and_one_that_is_stopped_goes_on_later() -> None:
    run = run_of(0)
    run.pace.allow(0)
    assert run.decide(0.0, 0.0) == Done()
    run = run_of(3)
    run.pace.allow(0)
    run.stop(Pause.BUDGET)
    assert run.decide(0.0, 0.0) == Advance(None, Pause.BUDGET)


def test_without_a_bound_the_most_that_may_fly_is_what_the_policy_says() -> None:
    assert Pace(RunPolicy(max_concurrency=10), first=3).most_in_flight == 10
