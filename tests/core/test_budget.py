from __future__ import annotations

from dataclasses import replace

from kclassify.core.budget import HELD_BY_OTHERS, Budget, out_of_budget
from kclassify.core.decision import Advance, Halt, Pause, Snooze
from kclassify.core.item import Item
from kclassify.core.policy import RunPolicy
from kclassify.core.price import NANODOLLARS
from kclassify.core.run import Run
from kclassify.core.spending import Charge, Hold, Spending
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.core.window import PROBE
from tests.core.corpus import Nature, distinct, outcome_of, unavailable

GOOD = outcome_of(Nature.GOOD)


def begun(budget: Budget, items: int = 10, *, concurrency: int = 4) -> Run:
    run = Run(RunPolicy(max_concurrency=concurrency), budget=budget)
    run.admit(distinct(*[Nature.GOOD] * items), {})
    run.end_of_source()
    return run


def ten(_: Item) -> int:
    return 10


def test_no_call_starts_before_its_worst_case_is_held() -> None:
    budget = Budget(100, ten)
    run = begun(budget)
    assert run.start(0.0) == []
    assert run.wake_at is None
    budget.hold(Hold(held=25, left=75))
    assert len(run.start(0.0)) == 2
    assert (budget.in_flight, run.wake_at) == (20, None)


def test_without_a_total_everything_fits_and_nothing_is_asked_for() -> None:
    run = begun(Budget(None, ten))
    assert run.budget.wanted(run.coming(0.0)) is None
    assert len(run.start(0.0)) == 4


def test_what_a_call_did_not_cost_is_free_for_the_next() -> None:
    budget = Budget(100, ten)
    run = begun(budget)
    budget.hold(Hold(held=12, left=0))
    (call,) = run.start(0.0)
    budget.charge(Charge(cost=2))
    assert run.start(0.0) == []
    run.settle(call, GOOD, 0.0)
    assert (budget.held, budget.in_flight) == (10, 0)
    assert len(run.start(0.0)) == 1


def test_as_much_as_may_be_in_flight_is_asked_for_ahead_and_at_the_end_no_more_than_is_left() -> (
    None
):
    budget = Budget(1_000, ten)
    run = begun(budget, items=10)
    run.pace.allow(4)
    assert budget.wanted(run.coming(0.0)) == 10 * run.pace.limit
    budget.hold(Hold(held=80, left=920))
    calls = run.start(0.0)
    assert len(calls) == 4
    assert budget.wanted(run.coming(0.0)) is None
    budget.hold(Hold(held=50, left=920))
    assert budget.wanted(run.coming(0.0)) == 40 + 40
    for call in [*calls, *run.start(0.0)]:
        run.settle(call, GOOD, 0.0)
    while left := run.start(0.0):
        for call in left:
            run.settle(call, GOOD, 0.0)
    assert budget.wanted(run.coming(0.0)) == 0


def test_what_is_twice_as_much_as_is_needed_goes_back_and_never_what_flies() -> None:
    budget = Budget(1_000, ten)
    run = begun(budget, items=3)
    budget.hold(Hold(held=100, left=900))
    run.pace.allow(2)
    assert budget.wanted(run.coming(0.0)) == 20
    budget.lower(20)
    assert (len(run.start(0.0)), budget.held) == (2, 20)
    budget.hold(Hold(held=35, left=965))
    assert budget.wanted(run.coming(0.0)) is None
    budget.hold(Hold(held=41, left=959))
    assert budget.wanted(run.coming(0.0)) == 30


def test_what_is_not_told_counts_with_all_that_it_can_have_cost_where_there_is_a_budget() -> None:
    budget, item, used = Budget(100, ten), distinct(Nature.GOOD)[0], Usage(5, 5)
    untold = replace(GOOD, usage=used)
    assert (untold.cost, budget.bounded(item, untold).uncertain) == (None, 10)
    assert Charge.of(budget.bounded(item, untold)) == Charge(1, 0.0, used, 0, 1, 10, 1)
    half_told = replace(untold, cost=4, uncertain=None)
    assert budget.bounded(item, half_told).uncertain == 6
    told = replace(untold, cost=4)
    assert budget.bounded(item, told) is told
    nothing = outcome_of(Nature.REJECTED)
    assert budget.bounded(item, nothing) is nothing
    assert Budget(None, ten).bounded(item, untold) is untold


def test_a_call_that_may_be_billed_counts_also_where_nobody_knows_how_much() -> None:
    unseen = Outcome[str](OutcomeKind.TIMED_OUT, uncertain=None)
    assert Charge.of(unseen, 2.0) == Charge(1, 2.0, Usage(), 0, 1, 0, 1)
    assert Charge.of(replace(unseen, uncertain=0)) == Charge()


def test_the_end_of_the_money_is_a_halt_that_says_the_way_out() -> None:
    budget = Budget(5 * NANODOLLARS, lambda _: 20_000_000, settled=40)
    run = begun(budget)
    assert run.decide(0.0, 0.5) is None
    spending = Spending(Charge(cost=4_930_000_000, uncertain=30_000_000), held=40_000_000)
    budget.hold(Hold(held=30_000_000, left=0), spending)
    budget.charge(Charge(cost=20_000_000))
    assert run.decide(0.0, 0.5) == Halt(
        "budget: $4.95 of $5.00 is spent, $0.0400 more may be on the bill or is held, and what is "
        "asked next may cost $0.0200 (items of this pass settled so far: 40): raise [runner] "
        "budget_usd and run again: it goes on where it stopped"
    )


def test_while_others_hold_some_the_run_waits() -> None:
    budget = Budget(100, ten)
    run = begun(budget)
    budget.hold(Hold(held=0, left=0, others=True))
    assert run.decide(0.0, 0.5) == HELD_BY_OTHERS
    assert budget.wanted(run.coming(0.0)) == 40
    run.stop(Pause.BUDGET)
    assert run.decide(0.0, 0.5) == Advance(None, Pause.BUDGET)


def test_a_call_in_flight_may_still_free_some() -> None:
    budget = Budget(100, ten)
    run = begun(budget)
    budget.hold(Hold(held=10, left=0))
    run.start(0.0)
    assert run.decide(0.0, 0.5) is None


def test_an_item_that_costs_more_than_all_there_is_halts_whoever_holds_the_rest() -> None:
    budget = Budget(5, ten)
    run = begun(budget)
    budget.hold(Hold(held=0, left=0, others=True))
    assert isinstance(run.decide(0.0, 0.5), Halt)


def test_a_probe_costs_money_too() -> None:
    budget = Budget(100, lambda item: 50 if item is PROBE else 10)
    run = begun(budget, items=1)
    budget.hold(Hold(held=10, left=0))
    (call,) = run.start(0.0)
    run.settle(call, outcome_of(Nature.REJECTED), 0.0)
    assert list(run.coming(0.0)) == [PROBE]
    assert run.start(0.0) == []
    assert isinstance(run.decide(0.0, 0.5), Halt)


def test_an_outage_comes_before_the_end_of_the_money_and_a_stop_too() -> None:
    budget = Budget(100, ten)
    run = begun(budget)
    budget.hold(Hold(held=100, left=0))
    for _ in range(2):
        for call in run.start(0.0):
            budget.charge(Charge(cost=10))
            run.settle(call, unavailable(), 0.0)
    budget.held = 0
    assert isinstance(run.decide(0.0, 0.5), Snooze)
    stopped = begun(Budget(5, ten))
    stopped.stop(Pause.STOPPED)
    assert stopped.decide(0.0, 0.5) == Advance(None, Pause.STOPPED)


def test_a_call_that_cost_more_than_its_worst_case_leaves_no_debt() -> None:
    budget = Budget(100, ten)
    run = begun(budget, concurrency=2)
    budget.hold(Hold(held=20, left=0))
    first, second = run.start(0.0)
    budget.charge(Charge(cost=35))
    run.settle(first, GOOD, 0.0)
    assert run.start(0.0) == []
    run.settle(second, GOOD, 0.0)
    assert (budget.held, budget.in_flight) == (0, 0)


def test_the_halt_of_batches_is_in_the_same_words() -> None:
    halt = out_of_budget(NANODOLLARS, Spending(), 2 * NANODOLLARS)
    assert halt.reason == (
        "budget: $0.00 of $1.00 is spent, and what is asked next may cost $2.00: raise [runner] "
        "budget_usd and run again: it goes on where it stopped"
    )
