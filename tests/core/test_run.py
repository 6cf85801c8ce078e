from __future__ import annotations

import pytest

from kclassify.core.availability import Breaker, Suspect
from kclassify.core.decision import Advance, Done, Halt, Pause, Snooze
from kclassify.core.policy import RunPolicy, SnoozePolicy
from kclassify.core.run import Run
from kclassify.core.verdict import OutcomeKind
from kclassify.core.window import PROBE, Call
from tests.core.corpus import Nature, distinct, outcome_of, unavailable

GOOD, REJECTED = outcome_of(Nature.GOOD), outcome_of(Nature.REJECTED)
PROBED = Call(None, PROBE)
OUT = unavailable()
TOLD = "another worker of this run is without an answer"


def begun(
    items: int,
    *,
    concurrency: int = 10,
    breaker: Breaker | None = None,
    suspects: tuple[Suspect, ...] = (),
) -> Run:
    """A run that has admitted the whole of a small corpus."""
    policy = RunPolicy(max_concurrency=concurrency, snooze=SnoozePolicy(seconds=60, growth=2))
    run = Run(policy, breaker=breaker, suspects=suspects)
    run.admit(distinct(*[Nature.GOOD] * items), {})
    run.end_of_source()
    return run


def keys(calls: list[Call]) -> list[object]:
    return [call.item.key for call in calls]


def test_calls_start_in_order_up_to_the_concurrency() -> None:
    run = begun(5, concurrency=2)
    calls = run.start(0.0)
    assert keys(calls) == [1, 2]
    assert run.start(0.0) == []
    run.settle(calls[1], GOOD, 0.0)
    assert keys(run.start(0.0)) == [3]
    assert run.in_flight == 2


def test_the_cursor_moves_in_drain_alone_and_over_a_settled_prefix() -> None:
    run = begun(3)
    calls = run.start(0.0)
    run.settle(calls[1], GOOD, 0.0)
    assert (run.is_ready, run.drain(10), run.cursor) == (False, [], None)
    run.settle(calls[0], GOOD, 0.0)
    assert (run.is_ready, run.cursor) == (True, None)
    assert [landed.key for landed in run.drain(1)] == [1]
    assert run.cursor == 1
    assert [landed.key for landed in run.drain(10)] == [2]
    assert run.cursor == 2


def test_an_empty_corpus_is_done() -> None:
    assert begun(0).decide(0.0, 0.0) == Done()


def test_there_is_no_decision_while_a_call_flies_or_a_settled_item_is_in_hand() -> None:
    run = begun(1)
    [call] = run.start(0.0)
    assert run.decide(0.0, 0.0) is None
    run.settle(call, GOOD, 0.0)
    assert run.decide(0.0, 0.0) is None
    run.drain(1)
    assert run.decide(0.0, 0.0) == Done()


def test_an_empty_or_recalled_item_costs_no_call() -> None:
    run = Run(RunPolicy())
    items = distinct(Nature.EMPTY, Nature.GOOD)
    run.admit(items, {items[1].digest: GOOD})
    assert run.start(0.0) == []
    empty, recalled = run.drain(10)
    assert empty.outcome.kind is OutcomeKind.EMPTY
    assert (recalled.outcome.kind, recalled.outcome.recalled) == (OutcomeKind.JUDGED, True)


def test_items_are_wanted_before_calls_run_out_and_never_beyond_the_window() -> None:
    run = Run(RunPolicy(max_concurrency=2, smallest_window=20))
    assert (run.room, run.wants_items) == (20, True)
    run.admit(distinct(*[Nature.GOOD] * 15), {})
    assert (run.room, run.wants_items) == (5, False)
    for _ in range(5):
        for call in run.start(0.0):
            run.settle(call, GOOD, 0.0)
    run.start(0.0)
    assert (run.room, run.wants_items) == (5, True)
    run.drain(10)
    assert (run.room, run.wants_items) == (15, True)
    run.end_of_source()
    assert (run.room, run.wants_items) == (0, False)


def test_max_items_ends_the_call_and_not_the_pass() -> None:
    run = Run(RunPolicy(), max_items=2)
    assert run.room == 2
    run.admit(distinct(*[Nature.GOOD] * 2), {})
    assert not run.wants_items
    for call in run.start(0.0):
        run.settle(call, GOOD, 0.0)
    run.drain(10)
    assert run.decide(0.0, 0.0) == Advance(2, Pause.MAX_ITEMS)


def test_a_stop_lets_calls_land_and_starts_none() -> None:
    run = begun(5, concurrency=2)
    first, second = run.start(0.0)
    run.stop(Pause.BUDGET)
    run.stop(Pause.STOPPED)
    run.settle(first, GOOD, 0.0)
    assert (run.start(0.0), run.room, run.decide(0.0, 0.0)) == ([], 0, None)
    run.cut(second)
    run.drain(10)
    assert run.decide(0.0, 0.0) == Advance(1, Pause.BUDGET)


def test_a_cut_call_counts_for_nothing_and_its_item_comes_first_again() -> None:
    run = begun(3, concurrency=1)
    [call] = run.start(0.0)
    run.cut(call)
    assert run.suspects == ()
    assert keys(run.start(0.0)) == [1]


def test_a_halt_starts_no_call_lets_the_others_land_and_is_the_decision() -> None:
    run = begun(5, concurrency=3)
    first, second, third = run.start(0.0)
    run.settle(second, Halt("no such model"), 0.0)
    run.settle(third, Halt("another reason"), 0.0)
    assert (run.start(0.0), run.decide(0.0, 0.0)) == ([], None)
    run.settle(first, GOOD, 0.0)
    assert [landed.key for landed in run.drain(10)] == [1]
    assert run.decide(0.0, 0.0) == Halt("no such model")


def test_the_first_rejections_wait_for_a_probe_and_halt_with_it() -> None:
    run = begun(5, concurrency=2)
    first, second = run.start(0.0)
    run.settle(first, REJECTED, 0.0)
    assert run.start(0.0) == [PROBED]
    run.settle(second, REJECTED, 0.0)
    assert run.start(0.0) == []
    run.settle(PROBED, REJECTED, 0.0)
    decision = run.decide(0.0, 0.0)
    assert isinstance(decision, Halt)
    assert "every request is rejected" in decision.reason
    assert not run.is_ready


def test_the_first_rejections_are_the_items_own_once_a_probe_is_answered() -> None:
    run = begun(1)
    [call] = run.start(0.0)
    run.settle(call, REJECTED, 0.0)
    [probe] = run.start(0.0)
    run.settle(probe, GOOD, 0.0)
    [landed] = run.drain(10)
    assert landed.outcome.kind is OutcomeKind.REJECTED
    assert run.decide(0.0, 0.0) == Done()


def test_a_rejection_among_answers_needs_no_probe() -> None:
    run = begun(3, concurrency=2)
    first, second = run.start(0.0)
    run.settle(first, GOOD, 0.0)
    [third] = run.start(0.0)
    run.settle(second, REJECTED, 0.0)
    assert run.start(0.0) == []
    run.settle(third, GOOD, 0.0)
    assert len(run.drain(10)) == 3


def test_an_answer_to_a_call_that_began_before_a_rejection_proves_nothing() -> None:
    run = begun(2)
    first, second = run.start(0.0)
    run.settle(second, REJECTED, 0.0)
    run.settle(first, GOOD, 0.0)
    assert [landed.key for landed in run.drain(10)] == [1]
    assert run.start(0.0) == [PROBED]
    run.settle(PROBED, GOOD, 0.0)
    assert [landed.key for landed in run.drain(10)] == [2]


def test_a_lone_failure_is_tried_again_after_its_backoff_once_another_call_was_answered() -> None:
    run = begun(3)
    first, second, third = run.start(0.0)
    run.settle(first, OUT, 10.0)
    assert (run.start(99.0), run.wake_at) == ([], None)
    run.settle(second, GOOD, 10.0)
    assert (run.start(10.2), run.wake_at) == ([], 10.25)
    assert keys(run.start(10.25)) == [1]
    run.settle(third, GOOD, 11.0)


def test_three_failures_with_a_success_after_each_are_the_items_own() -> None:
    run = begun(4, concurrency=2)
    poison, other = run.start(0.0)
    for attempt in (1, 2, 3):
        run.settle(poison, OUT, 100.0 * attempt)
        assert run.suspects == (Suspect(1, attempt - 1, undecided=True),)
        run.settle(other, GOOD, 100.0 * attempt)
        if attempt < 3:
            assert run.suspects == (Suspect(1, attempt, undecided=False),)
            poison, other = run.start(100.0 * attempt + 50.0)
    assert run.suspects == ()
    landed = run.drain(10)
    assert [one.outcome.kind for one in landed[:2]] == [OutcomeKind.UNAVAILABLE, OutcomeKind.JUDGED]


def test_failures_within_seconds_end_an_item_only_after_twice_as_many() -> None:
    run = begun(10, concurrency=2)
    poison, other = run.start(0.0)
    for attempt in range(1, 7):
        now = 0.8 * attempt
        run.settle(poison, OUT, now)
        assert run.suspects == (Suspect(1, attempt - 1, undecided=True),)
        run.settle(other, GOOD, now)
        run.pace.resume()
        run._items.hasten()
        if attempt < 6:
            poison, other = run.start(now)
            assert poison.item.key == 1
    assert run.suspects == ()
    assert run.drain(1)[0].outcome.kind is OutcomeKind.UNAVAILABLE


def test_an_outage_closes_the_run_and_forgives_what_failed_in_it() -> None:
    run = begun(20, concurrency=6)
    first, *calls = run.start(0.0)
    run.settle(first, GOOD, 0.0)
    run.drain(1)
    calls += run.start(0.0)
    for call in calls[:5]:
        run.settle(call, OUT, 0.0)
    assert (run.start(99.0), run.room, run.suspects, run.wake_at) == ([], 0, (), None)
    assert run.decide(0.0, 0.0) is None
    run.settle(calls[5], GOOD, 0.0)
    assert run.suspects == ()
    reason = "too many calls without an answer (unavailable: nobody is there)"
    assert run.decide(0.0, 0.0) == Snooze(60, reason)
    assert run.breaker == Breaker(1, until=60.0, seconds=60, outage_since=0.0)


def test_after_a_snooze_a_canary_flies_alone_then_one_item_then_all() -> None:
    run = begun(20, concurrency=5)
    for call in run.start(0.0):
        run.settle(call, OUT, 0.0)
    assert isinstance(run.decide(0.0, 0.0), Snooze)
    run.resume()
    assert run.start(60.0) == [PROBED]
    assert run.start(60.0) == []
    run.settle(PROBED, GOOD, 61.0)
    [item] = run.start(61.0)
    assert item.item.key == 6
    run.settle(item, GOOD, 62.0)
    assert keys(run.start(62.0)) == [7, 8, 9, 10, 11]


def test_a_run_rebuilt_in_an_outage_begins_with_a_canary() -> None:
    run = begun(20, breaker=Breaker(2, until=50.0, seconds=120, outage_since=0.0))
    assert run.start(60.0) == [PROBED]
    run.settle(PROBED, OUT, 60.0)
    assert run.decide(60.0, 0.0) == Snooze(120, "still no answer (unavailable: nobody is there)")


def test_a_canary_is_not_spent_where_nothing_is_left_to_ask() -> None:
    run = begun(0, breaker=Breaker(1, until=50.0, seconds=60, outage_since=0.0))
    assert run.start(60.0) == []
    assert run.decide(60.0, 0.0) == Done()


def test_at_rest_with_only_failed_items_left_the_run_snoozes() -> None:
    run = begun(1)
    [call] = run.start(0.0)
    run.settle(call, OUT, 5.0)
    assert run.decide(5.0, 0.0) == Snooze(60, "only items without an answer are left")
    assert run.suspects == (Suspect(1, 0, undecided=True),)


def test_an_hours_retry_after_of_the_last_item_is_snoozed_through() -> None:
    run = begun(1)
    [call] = run.start(0.0)
    run.settle(call, unavailable(retry_after_s=3600.0), 0.0)
    assert run.decide(0.0, 0.0) == Snooze(3600, "only items without an answer are left")
    run.resume()
    assert run.start(3600.0) == [PROBED]
    run.settle(PROBED, GOOD, 3600.0)
    assert keys(run.start(3600.0)) == [1]


@pytest.mark.parametrize("wait", [3600.0, 86_400.0, 1e9])
def test_a_long_retry_after_of_one_item_stops_nobody_while_others_are_answered(wait: float) -> None:
    run = begun(2)
    first, second = run.start(0.0)
    run.settle(first, unavailable(retry_after_s=wait), 0.0)
    run.settle(second, GOOD, 0.0)
    assert run.decide(0.0, 0.0) is None
    assert run.wake_at == 30.0
    assert keys(run.start(30.0)) == [1]


def test_a_suspect_of_an_earlier_step_is_not_tried_before_another_call_is_answered() -> None:
    run = begun(2, suspects=(Suspect(1, 5, undecided=True),))
    [call] = run.start(0.0)
    assert call.item.key == 2
    run.settle(call, GOOD, 0.0)
    spent, judged = run.drain(10)
    assert (spent.outcome.kind, judged.outcome.kind) == (
        OutcomeKind.UNAVAILABLE,
        OutcomeKind.JUDGED,
    )


def test_suspects_outlive_a_step_that_ends_before_they_are_admitted() -> None:
    suspects = (Suspect(7, 1, undecided=True), Suspect(9, 2, undecided=False))
    run = Run(RunPolicy(), suspects=suspects)
    assert run.suspects == suspects
    run.end_of_source()
    assert not run.suspects


def test_an_outage_that_another_worker_saw_is_snoozed_through_and_not_counted_again() -> None:
    run = begun(20)
    first, second, *others = run.start(100.0)
    run.settle(first, OUT, 100.0)
    seen_elsewhere = Breaker(2, until=190.0, seconds=120, outage_since=20.0)
    run.learn(seen_elsewhere, 110.0)
    assert (run.start(111.0), run.room, run.suspects, run.wake_at) == ([], 0, (), None)
    assert run.decide(111.0, 0.0) is None
    for call in others:
        run.settle(call, OUT, 112.0)
    run.settle(second, GOOD, 113.0)
    assert run.suspects == ()
    assert run.decide(130.0, 0.9) == Snooze(60, TOLD)
    assert run.breaker == seen_elsewhere
    run.resume()
    assert run.start(190.0) == [PROBED]
    run.settle(PROBED, GOOD, 191.0)
    assert run.breaker == Breaker()


def test_a_canary_that_fails_after_a_learned_snooze_trips_the_learned_breaker() -> None:
    run = begun(20)
    run.learn(Breaker(2, until=190.0, seconds=120, outage_since=20.0), 110.0)
    assert run.decide(110.0, 0.0) == Snooze(80, TOLD)
    run.resume()
    run.start(190.0)
    run.settle(PROBED, OUT, 191.0)
    assert run.decide(191.0, 0.0) == Snooze(120, "still no answer (unavailable: nobody is there)")
    assert run.breaker == Breaker(3, until=311.0, seconds=120, outage_since=20.0)


def test_a_breaker_that_another_worker_closed_or_that_is_over_stops_nothing() -> None:
    run = begun(20)
    for breaker in (Breaker(), Breaker(1, until=90.0, seconds=60, outage_since=30.0)):
        run.learn(breaker, 100.0)
        assert (run.breaker, run.decide(100.0, 0.0)) == (breaker, None)
    assert len(run.start(100.0)) == 5


def test_a_learned_snooze_that_is_over_before_the_calls_landed_is_a_second_long() -> None:
    run = begun(20)
    [first, *others] = run.start(100.0)
    run.learn(Breaker(1, until=120.0, seconds=60, outage_since=60.0), 110.0)
    for call in (first, *others):
        run.cut(call)
    assert run.decide(125.0, 0.0) == Snooze(1, TOLD)
