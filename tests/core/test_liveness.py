from __future__ import annotations

from collections.abc import Sequence

import pytest

from kclassify.core.decision import Done, Halt, Snooze
from kclassify.core.item import Item
from kclassify.core.policy import RunPolicy, SnoozePolicy
from kclassify.core.verdict import OutcomeKind
from tests.core.corpus import Nature, distinct
from tests.core.simulation import Simulation
from tests.core.world import World

GOOD, POISON, REJECTED = Nature.GOOD, Nature.POISON, Nature.REJECTED

CORPORA = {
    "the only row is poisonous": distinct(POISON),
    "one poisonous row among few": distinct(GOOD, POISON, GOOD),
    "a poisonous row first": distinct(POISON, *[GOOD] * 30),
    "a poisonous row last": distinct(*[GOOD] * 30, POISON),
    "many poisonous rows last": distinct(*[GOOD] * 60, *[POISON] * 12),
    "many poisonous rows first": distinct(*[POISON] * 25, *[GOOD] * 60),
    "every row is poisonous": distinct(*[POISON] * 24),
    "every other row is poisonous": distinct(*[GOOD, POISON] * 20),
    "every sixth row is poisonous": distinct(*[GOOD, GOOD, GOOD, GOOD, GOOD, POISON] * 12),
    "rejected rows and a poisonous one": distinct(*[REJECTED] * 12, POISON),
    "a rejected row among poisonous ones": distinct(POISON, REJECTED, *[POISON] * 8),
    "poison before rejected rows": distinct(*[POISON] * 6, *[REJECTED] * 6),
}


@pytest.mark.parametrize("items", CORPORA.values(), ids=CORPORA.keys())
@pytest.mark.parametrize("concurrency", [1, 2, 10])
@pytest.mark.parametrize("by_steps", [False, True], ids=["in one process", "by steps"])
@pytest.mark.parametrize("max_items", [None, 7], ids=["all items", "seven at a time"])
def test_a_pass_ends_however_poisonous_its_rows_are(
    items: Sequence[Item], concurrency: int, by_steps: bool, max_items: int | None
) -> None:
    policy = RunPolicy(max_concurrency=concurrency, smallest_window=20)
    world = World(items, policy, by_steps=by_steps, max_items=max_items)
    assert isinstance(Simulation(world).finish(turns=60 + 60 * len(items)), Done)
    timed_out = [key for key, kind in world.outcomes if kind.is_availability]
    assert timed_out == [item.key for item in items if item.body.startswith(POISON)]
    assert world.calls <= 20 + 12 * len(items)


@pytest.mark.parametrize("by_steps", [False, True], ids=["in one process", "by steps"])
def test_poison_is_recorded_as_what_it_was(by_steps: bool) -> None:
    world = World(distinct(GOOD, POISON), RunPolicy(), by_steps=by_steps)
    world.finish()
    assert [kind for _, kind in world.outcomes] == [
        OutcomeKind.JUDGED,
        OutcomeKind.TIMED_OUT,
    ]


def test_a_poisonous_first_row_costs_no_snooze_while_others_are_answered() -> None:
    world = World(distinct(POISON, *[GOOD] * 300), RunPolicy(max_concurrency=3))
    Simulation(world).finish(turns=2_000)
    assert not [decision for decision in world.decisions if isinstance(decision, Snooze)]


def test_poisonous_rows_at_the_end_cost_one_snooze_an_attempt_at_most() -> None:
    world = World(distinct(*[GOOD] * 60, *[POISON] * 12), RunPolicy())
    Simulation(world).finish(turns=1_000)
    assert len([decision for decision in world.decisions if isinstance(decision, Snooze)]) <= 3


def test_an_outage_of_hours_skips_nothing_and_spends_no_attempt() -> None:
    world = World(distinct(*[GOOD] * 60), RunPolicy(max_concurrency=5))
    world.round()
    world.is_out = True
    while len(world.decisions) < 12:
        world.round()
        assert not world.run.suspects
    world.is_out = False
    assert isinstance(world.finish(), Done)
    assert {kind for _, kind in world.outcomes} == {OutcomeKind.JUDGED}


def test_an_outage_of_more_than_a_day_halts_and_asks_once_a_snooze() -> None:
    world = World(distinct(*[GOOD] * 60), RunPolicy(max_concurrency=5))
    world.is_out = True
    began = world.now
    decision = world.finish(rounds=1_000)
    snoozes = len(world.decisions) - 1
    assert decision == Halt(
        f"the provider has not answered for {(world.now - began) / 3600:.1f} hours: "
        "still no answer (timed out: nobody is there)"
    )
    assert 86_400 < world.now - began < 90_000
    assert world.calls == 5 + snoozes
    assert not world.settled


def test_a_provider_that_rejects_everything_halts_and_marks_no_item() -> None:
    items = distinct(*[GOOD] * 60)
    world = World(items, RunPolicy(max_concurrency=5), rejects_all=True)
    assert world.finish() == Halt("every request is rejected, a harmless one too: it is rejected")
    assert not world.settled
    assert world.calls == 6


def test_item_failures_alone_never_snooze() -> None:
    natures = [Nature.REFUSED, Nature.INVALID, Nature.REJECTED, Nature.TRUNCATED, Nature.TOO_LONG]
    world = World(distinct(*natures * 12), RunPolicy(max_concurrency=3))
    assert isinstance(world.finish(), Done)
    assert len(world.decisions) == 1


def test_a_snooze_comes_with_the_observation_that_reaches_the_rate() -> None:
    policy = RunPolicy(max_concurrency=10, snooze=SnoozePolicy(observations=10))
    world = World(distinct(*[GOOD] * 5, *[POISON] * 5), policy)
    world.fetch(10)
    world.start()
    while world.flying:
        assert not world.decisions
        world.land(0)
        world.start()
    world.checkpoint()
    assert isinstance(world.decide(), Snooze)
