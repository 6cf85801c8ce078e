"""A pass that was begun in batches, and is gone on with by calls."""

from __future__ import annotations

from kclassify import Done, Halt, Item
from kclassify.core.decision import Snooze
from kclassify.testing.scripted import ScriptedClassifier
from tests.runner.batches.world import World
from tests.small import TAXONOMY


class Direct:
    """A classifier that asks directly, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.classifier = ScriptedClassifier(TAXONOMY, self._say)

    def _say(self, item: Item) -> str:
        self.asked.append(item.body)
        return "left"


async def test_what_batches_may_have_answered_is_not_asked_directly() -> None:
    world, direct = World(), Direct()
    assert isinstance(await world.runner().step(), Snooze)
    runner = world.runner()
    runner.classifier = direct.classifier
    said = await runner.dry_run()
    assert isinstance(said, Halt)
    assert said.reason.startswith("2 batches of this run are not read yet (batch_1, batch_2): ")
    assert '`[classifier] transport = "batch"`' in said.reason
    assert "`kclassify batches --cancel`" in said.reason
    assert direct.asked == []


async def test_once_its_batches_are_read_a_pass_goes_on_directly() -> None:
    world, direct = World(), Direct()
    world.provider.seconds = 0.0
    assert isinstance(await world.runner().step(), Snooze)
    world.clock.advance(60)
    assert await world.runner(max_items=20).dry_run() != Done()
    runner = world.runner()
    runner.classifier = direct.classifier
    assert await runner.dry_run() == Done()
    assert sorted([*world.provider.asked, *direct.asked]) == world.texts
    assert len(direct.asked) == 5
