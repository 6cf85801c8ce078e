from __future__ import annotations

import anyio
import pytest

from kclassify import Done, Halt, Item, Mode, Outcome, OutcomeKind, Snooze
from kclassify.events import CallEnded, Checkpointed, Snoozing
from kclassify.testing.scripted import Answer
from tests.runner.world import World, failing, rows

DOWN = failing(OutcomeKind.UNAVAILABLE)


def settled(world: World) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for event in world.told(Checkpointed):
        for kind, count in event.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    return kinds


async def test_an_outage_pauses_and_skips_nothing() -> None:
    world = World(items=rows(60))
    began = world.clock.now()

    def script(item: Item) -> Answer:
        is_down = len(world.asked) > 20 and world.clock.now() < began + 300
        return DOWN if is_down else "left"

    world.script = script
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 60}
    assert len(world.told(Snoozing)) >= 2
    lengths = [snoozing.seconds for snoozing in world.told(Snoozing)]
    assert lengths[:4] == [1, 2, 2, 2]
    assert lengths == sorted(lengths)
    assert world.clock.now() - began < 1.2 * 300 + 2


async def test_the_first_call_after_a_snooze_is_alone() -> None:
    world = World(items=rows(60))
    in_flight: list[int] = []
    world.script = lambda _: DOWN
    decision = await world.runner().step(mode=Mode.DRY_RUN)
    assert isinstance(decision, Snooze)
    world.clock.advance(decision.seconds)
    world.classifier.most_in_flight = 0

    def canary(_: Item) -> Answer:
        in_flight.append(world.classifier.in_flight)
        return "left"

    world.script = canary
    assert await world.runner().dry_run() == Done()
    assert in_flight[0] == 1
    assert max(in_flight) == 4
    assert in_flight.index(2) > 0


async def test_a_step_within_the_snooze_calls_nothing_and_says_how_long_is_left() -> None:
    world = World(script=lambda _: DOWN)
    first = await world.runner(snooze_seconds=60).step()
    assert isinstance(first, Snooze)
    asked = len(world.asked)
    world.clock.advance(10)
    second = await world.runner(snooze_seconds=60).step()
    assert isinstance(second, Snooze)
    assert second.seconds == first.seconds - 10
    assert len(world.asked) == asked


async def test_a_canary_that_fails_snoozes_again_after_one_call() -> None:
    world = World(script=lambda _: DOWN)
    first = await world.runner().step()
    assert isinstance(first, Snooze)
    world.clock.advance(first.seconds)
    asked = len(world.asked)
    second = await world.runner().step()
    assert isinstance(second, Snooze)
    assert second.seconds > first.seconds
    assert len(world.asked) == asked + 1


async def test_an_outage_spends_no_attempt_of_an_item() -> None:
    world = World(items=rows(4))
    for _ in range(10):
        world.script = lambda _: DOWN
        snoozed = await world.runner().step()
        assert isinstance(snoozed, Snooze)
        world.clock.advance(snoozed.seconds)
    world.script = lambda _: "left"
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 4}


@pytest.mark.parametrize("kind", [OutcomeKind.REFUSED, OutcomeKind.INVALID, OutcomeKind.TRUNCATED])
async def test_nothing_but_item_failures_never_snoozes(kind: OutcomeKind) -> None:
    world = World(script=lambda _: failing(kind))
    assert await world.runner().dry_run() == Done()
    assert world.told(Snoozing) == []
    assert settled(world) == {str(kind): 20}


async def test_a_halt_ends_the_run_at_once_and_it_can_be_resumed() -> None:
    world = World(items=rows(100))
    world.script = lambda _: Halt("set ANTHROPIC_API_KEY") if len(world.asked) > 10 else "left"
    decision = await world.runner().dry_run()
    assert decision == Halt("set ANTHROPIC_API_KEY")
    assert len(world.asked) <= 10 + 4 + 4
    world.script = lambda _: "left"
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 100}


async def test_a_request_that_is_rejected_for_every_item_halts_and_marks_none() -> None:
    world = World(script=lambda _: failing(OutcomeKind.REJECTED))
    decision = await world.runner().dry_run()
    assert isinstance(decision, Halt)
    assert "rejected" in decision.reason
    assert len(world.asked) <= 5
    assert settled(world) == {}


async def test_a_provider_that_begins_to_reject_everything_in_mid_run_halts_and_marks_none() -> (
    None
):
    world = World(items=rows(60))
    world.script = lambda _: failing(OutcomeKind.REJECTED) if len(world.asked) > 20 else "left"
    decision = await world.runner().dry_run()
    assert isinstance(decision, Halt)
    assert len(world.asked) <= 20 + 3 * 4
    assert settled(world).get("rejected", 0) == 0
    world.script = lambda _: "left"
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 60}


async def test_one_rejected_item_among_others_is_its_own_failure() -> None:
    world = World(script=lambda i: failing(OutcomeKind.REJECTED) if i.key == 1 else "left")
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 19, "rejected": 1}


@pytest.mark.parametrize("poisonous", [{1}, {10}, {20}, {7, 8, 20}])
async def test_a_poisonous_row_ends_as_its_own_failure_and_holds_nothing_up(
    poisonous: set[int],
) -> None:
    world = World(script=lambda i: failing(OutcomeKind.TIMED_OUT) if i.key in poisonous else "left")
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 20 - len(poisonous), "timed out": len(poisonous)}
    for key in poisonous:
        assert world.asked.count(key) >= 3


async def test_the_only_row_fails_while_the_provider_answers_others() -> None:
    world = World(items=rows(1))
    world.script = lambda i: failing(OutcomeKind.TIMED_OUT) if i.key == 1 else "left"
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"timed out": 1}
    assert "probe" in world.asked


async def test_a_lone_failure_is_tried_again_and_then_judged() -> None:
    world = World()
    world.script = lambda i: DOWN if i.key == 5 and world.asked.count(5) == 1 else "left"
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 20}
    assert world.asked.count(5) == 2
    assert world.told(Snoozing) == []


async def test_the_snooze_is_at_least_what_the_provider_asked_for() -> None:
    world = World(script=lambda _: failing(OutcomeKind.THROTTLED, retry_after_s=3600.0))
    decision = await world.runner().step()
    assert isinstance(decision, Snooze)
    assert decision.seconds >= 3600


async def test_an_outage_longer_than_a_day_halts() -> None:
    world = World(script=lambda _: DOWN)
    decision = await world.runner(snooze_seconds=1800).dry_run()
    assert isinstance(decision, Halt)
    assert "24." in decision.reason
    world.script = lambda _: "left"
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 20}


async def test_a_call_that_hangs_is_timed_out_at_its_deadline() -> None:
    world = World(items=rows(6), timeout_s=0.05)

    async def script(item: Item) -> Answer:
        if item.key == 3:
            await anyio.sleep_forever()
        return "left"

    world.script = script
    assert await world.runner().dry_run() == Done()
    assert settled(world) == {"judged": 5, "timed out": 1}
    assert any(event.kind is OutcomeKind.TIMED_OUT for event in world.told(CallEnded))


def test_an_outcome_has_a_verdict_exactly_when_it_is_judged() -> None:
    with pytest.raises(ValueError, match="verdict"):
        Outcome(OutcomeKind.JUDGED)
