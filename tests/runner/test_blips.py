"""A provider that is gone for seconds, for all calls or for some: no item is lost."""

from __future__ import annotations

import pytest

from kclassify import Done, Item, OutcomeKind
from kclassify.events import Checkpointed
from kclassify.testing.scripted import Answer
from tests.runner.world import World, failing, rows

DOWN = failing(OutcomeKind.UNAVAILABLE)
ROWS = 300
BLIPS_S = (1.0, 2.0, 5.0)
UNLUCKY = range(0, ROWS, 15)


def answered(world: World) -> int:
    return sum(event.kinds.get(OutcomeKind.JUDGED, 0) for event in world.told(Checkpointed))


@pytest.mark.parametrize("concurrency", [1, 10, 50])
async def test_a_blip_for_all_calls_loses_no_item_and_costs_little_more_than_itself(
    concurrency: int,
) -> None:
    for blip_s in BLIPS_S:
        world = World(items=rows(ROWS))
        began = world.clock.now()

        def script(_: Item, world: World = world, over: float = began + blip_s) -> Answer:
            return DOWN if len(world.asked) > ROWS // 2 and world.clock.now() < over else "left"

        world.script = script
        assert await world.runner(max_concurrency=concurrency).dry_run() == Done()
        assert answered(world) == ROWS
        assert blip_s <= world.clock.now() - began <= blip_s + 3


@pytest.mark.parametrize("concurrency", [1, 10, 50])
async def test_a_blip_that_some_items_always_meet_loses_none_of_them(concurrency: int) -> None:
    for blip_s in BLIPS_S:
        world = World(items=rows(ROWS))
        over = world.clock.now() + blip_s

        def script(item: Item, world: World = world, over: float = over) -> Answer:
            is_unlucky = item.key in UNLUCKY
            return DOWN if is_unlucky and world.clock.now() < over else "left"

        world.script = script
        assert await world.runner(max_concurrency=concurrency).dry_run() == Done()
        assert answered(world) == ROWS
