from __future__ import annotations

import pytest

from kclassify.core.policy import RunPolicy
from kclassify.core.run import Run
from kclassify.core.verdict import OutcomeKind
from kclassify.core.warming import Warming
from tests.core.corpus import Nature, distinct, outcome_of, unavailable

GOOD = outcome_of(Nature.GOOD)
NOW = 1_000.0


def begun(warming: Warming | None, items: int = 12) -> Run:
    run = Run(RunPolicy(max_concurrency=4), warming=warming)
    run.admit(distinct(*[Nature.GOOD] * items), {})
    return run


def test_the_first_call_of_a_cold_cache_flies_alone_until_it_is_answered() -> None:
    run = begun(Warming(300.0))
    (call,) = run.start(NOW)
    assert (run.start(NOW + 5), run.wake_at) == ([], None)
    run.settle(call, GOOD, NOW + 6)
    assert len(run.start(NOW + 6)) == 4


@pytest.mark.parametrize("kind", [OutcomeKind.TIMED_OUT, OutcomeKind.UNAVAILABLE])
def test_a_failure_does_not_warm_it(kind: OutcomeKind) -> None:
    run = begun(Warming(300.0))
    (call,) = run.start(NOW)
    run.settle(call, unavailable(kind), NOW)
    assert len(run.start(NOW)) == 1


def test_a_rejection_does_not_warm_it_and_the_answer_to_a_probe_does() -> None:
    run = begun(Warming(300.0))
    (call,) = run.start(NOW)
    run.settle(call, outcome_of(Nature.REJECTED), NOW)
    (probe,) = run.start(NOW)
    assert probe.number is None
    run.settle(probe, GOOD, NOW)
    assert len(run.start(NOW)) == 4


@pytest.mark.parametrize(
    ("seconds", "last", "first"),
    [
        (300.0, NOW - 299.0, 4),
        (300.0, NOW - 300.0, 1),
        (300.0, NOW + 10.0, 1),
        (None, None, 4),
        (3600.0, NOW - 300.0, 4),
    ],
)
def test_what_an_earlier_step_warmed_stays_warm_for_its_time(
    seconds: float | None, last: float | None, first: int
) -> None:
    assert len(begun(Warming(seconds, last)).start(NOW)) == first


def test_after_a_long_snooze_one_flies_alone_again() -> None:
    run = begun(Warming(300.0))
    (call,) = run.start(NOW)
    run.settle(call, GOOD, NOW)
    for each in run.start(NOW):
        run.settle(each, GOOD, NOW)
    assert len(run.start(NOW + 301)) == 1


def test_its_life_counts_from_the_beginning_of_the_call_that_read_it() -> None:
    run = begun(Warming(300.0))
    (call,) = run.start(NOW)
    run.settle(call, GOOD, NOW + 20)
    assert len(run.start(NOW + 299)) == 4
    again = begun(Warming(300.0))
    (call,) = again.start(NOW)
    again.settle(call, GOOD, NOW + 20)
    assert len(again.start(NOW + 301)) == 1


def test_a_call_that_is_cut_lets_the_next_one_try() -> None:
    run = begun(Warming(300.0))
    (call,) = run.start(NOW)
    run.cut(call)
    assert len(run.start(NOW)) == 1
