"""Batches of a run whose pass is not the one that is worked on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kclassify import Done, Halt, Item, Mode, Outcome, OutcomeKind, RunnerSettings, UsageError
from kclassify.core.batch import BatchStatus
from kclassify.core.decision import Snooze
from kclassify.core.price import NANODOLLARS
from kclassify.events import BatchChanged, Warned
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.scripted import ScriptedClassifier
from tests.runner.batches.provider import COST, WORST, BatchClassifier
from tests.runner.batches.world import World
from tests.runner.world import rows
from tests.small import TAXONOMY

UNAVAILABLE = Outcome[str](OutcomeKind.UNAVAILABLE, detail="no connection")


class Another(BatchClassifier):
    """Asks otherwise, in batches of the same provider."""

    @property
    def fingerprint(self) -> str:
        return "another"


def another(world: World, model: str = "scripted") -> None:
    world.classifier = Another(TAXONOMY, world.provider)
    world.classifier.model = model


def statuses(world: World) -> list[BatchStatus]:
    return [each.batch.status for each in world.ledger.batches.all]


async def test_a_commit_waits_for_the_batches_of_the_dry_run() -> None:
    world = World()
    assert isinstance(await world.runner().step(), Snooze)
    said = await world.runner().step(mode=Mode.COMMIT, override="a test")
    assert isinstance(said, Snooze)
    assert "batch_1 is in progress" in said.reason
    world.clock.advance(100)
    assert await world.runner().commit(override="a test") == Done()
    assert sorted(world.provider.asked) == world.texts
    assert world.ledger.spending("test").charge.cost == COST * len(world.texts)
    assert world.ledger.spending("test").held == 0
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts


async def test_what_the_dry_run_was_not_answered_the_commit_asks_again() -> None:
    world = World()
    await world.runner().step()
    world.provider.script = lambda text, n: UNAVAILABLE if "row 7" in text and n == 1 else "left"
    assert await world.runner().commit(override="a test") == Done()
    assert sorted(world.provider.asked) == sorted([*world.texts, "text of row 7"])


async def test_an_orphan_of_the_dry_run_is_found_by_the_commit() -> None:
    world = World()
    world.provider.after = lambda what: UNAVAILABLE if what == "create" else None
    await world.runner().step()
    world.provider.after = lambda _: None
    assert statuses(world) == [BatchStatus.INTENT]
    world.clock.advance(100)
    assert await world.runner().commit(override="a test") == Done()
    assert sorted(world.provider.asked) == world.texts
    assert set(statuses(world)) == {BatchStatus.READ}


async def test_another_prompt_does_not_wait_and_pays_for_what_was_asked_before() -> None:
    world = World()
    world.provider.seconds = 10_000
    await world.runner().step()
    fingerprint = world.classifier.fingerprint
    another(world)
    world.provider.seconds = 90
    assert (await world.steps())[-1] == Done()
    assert statuses(world)[:2] == [BatchStatus.SENT] * 2
    (told,) = world.told(Warned)
    assert told.message.startswith("2 batches of another pass of this run are not read yet (batch_")
    assert "`kclassify batches --read`" in told.message
    world.clock.advance(10_000)
    assert await world.runner().dry_run() == Done()
    assert set(statuses(world)) == {BatchStatus.READ}
    assert world.ledger.spending("test").charge.cost == COST * len(world.provider.asked)
    assert len(world.provider.asked) == len(world.texts) + 20
    digests = [item.digest for item in world.items]
    assert len(world.ledger.recall(digests, fingerprint)) == 20


async def test_a_reply_that_another_prompt_cannot_use_is_no_verdict_of_the_first() -> None:
    world = World()
    await world.runner().step()
    fingerprint = world.classifier.fingerprint
    another(world)
    world.provider.script = lambda text, _: "upwards" if text == "text of row 1" else "left"
    world.clock.advance(100)
    await world.runner().step()
    recalled = world.ledger.recall([item.digest for item in world.items], fingerprint)
    assert len(recalled) == 19
    assert world.items[0].digest not in recalled


async def test_answers_of_another_model_are_uncertain_by_what_they_can_cost() -> None:
    world = World()
    await world.runner().step()
    another(world, "another/model")
    world.clock.advance(100)
    await world.runner().step()
    charge = world.ledger.spending("test").charge
    assert (charge.cost, charge.unpriced, charge.uncertain) == (0, 20, 20 * WORST)


async def test_the_hold_of_an_abandoned_pass_comes_back() -> None:
    budget = Decimal(WORST * 20 + 1) / NANODOLLARS
    world = World(items=rows(20), settings=RunnerSettings(budget_usd=budget))
    world.limit(requests=20)
    await world.runner().step()
    another(world)
    said = [await world.runner().step() for _ in range(2)]
    assert [each for each in said if not isinstance(each, Snooze)] == []
    assert len(world.provider.sent) == 1
    world.clock.advance(100)
    assert (await world.steps())[-1] == Done()
    spending = world.ledger.spending("test")
    assert (spending.charge.cost, spending.held) == (COST * 40, 0)


async def test_a_batch_of_another_prompt_that_is_gone_is_told_and_left() -> None:
    world = World()
    await world.runner().step()
    another(world)
    world.clock.advance(100)
    world.provider.fault = lambda what: Halt("404") if what == "retrieve" else None
    await world.runner().step()
    told = [each.message for each in world.told(Warned)]
    assert len(told) == 2
    assert told[0].startswith("a batch of this run is not read (batch_1): 404")
    assert all("`kclassify batches --forget`" in each for each in told)
    assert len(world.provider.sent) == 4


async def test_a_budget_that_lies_with_a_batch_that_is_gone_is_told_and_not_waited_for() -> None:
    budget = Decimal(WORST * 20) / NANODOLLARS
    world = World(items=rows(20), settings=RunnerSettings(budget_usd=budget))
    world.limit(requests=20)
    await world.runner().step()
    another(world)
    world.clock.advance(100)
    world.provider.fault = lambda what: Halt("404") if what == "retrieve" else None
    said = await world.runner().step()
    assert isinstance(said, Halt)
    assert said.reason.startswith("budget: ")


async def test_calls_wait_for_no_batch_of_another_prompt_and_tell_of_it() -> None:
    world = World()
    await world.runner().step()
    runner = world.runner()
    runner.classifier = ScriptedClassifier(TAXONOMY, lambda _: "left", version="2")
    assert await runner.dry_run() == Done()
    (told,) = world.told(Warned)
    assert "`kclassify batches --read`" in told.message


async def test_calls_are_refused_while_batches_of_another_pass_ask_the_same() -> None:
    world = World()
    await world.runner().step()
    runner = world.runner()
    runner.classifier = ScriptedClassifier(TAXONOMY, _nothing)
    said = await runner.commit(override="a test")
    assert isinstance(said, Halt)
    assert said.reason.startswith("2 batches of this run are not read yet (batch_1, batch_2): ")


def _nothing(item: Item) -> str:
    raise AssertionError(f"item {item.key} was asked by a call of its own")


async def test_batches_are_read_beside_the_workers() -> None:
    world = World()
    await world.runner().step()
    another(world)
    assert await world.runner().read_batches() is None
    assert not [each for each in world.told(BatchChanged) if each.status is BatchStatus.READ]
    world.clock.advance(90)
    assert await world.runner().read_batches() is None
    assert statuses(world) == [BatchStatus.READ] * 2
    read = [each for each in world.told(BatchChanged) if each.status is BatchStatus.READ]
    assert [(each.requests, each.charge.cost) for each in read] == [(10, COST * 10)] * 2
    assert world.ledger.spending("test").charge.cost == COST * 20
    await world.runner().read_batches()
    assert world.ledger.spending("test").charge.cost == COST * 20


async def test_one_that_is_gone_does_not_keep_people_from_the_others() -> None:
    world = World()
    await world.runner().step()
    world.clock.advance(100)
    gone = iter([Halt("404")])
    world.provider.fault = lambda what: next(gone, None) if what == "retrieve" else None
    assert await world.runner().read_batches() is None
    assert statuses(world) == [BatchStatus.SENT, BatchStatus.READ]
    assert len(world.told(Warned)) == 1


async def test_a_provider_that_is_away_is_told_to_people() -> None:
    world = World()
    await world.runner().step()
    world.provider.fault = lambda _: UNAVAILABLE
    assert await world.runner().read_batches() == "no connection"
    assert world.ledger.breaker("test").snoozes == 0


async def test_a_classifier_without_batches_reads_none() -> None:
    runner = World().runner()
    runner.classifier = ScriptedClassifier(TAXONOMY, _nothing)
    with pytest.raises(UsageError, match="is not asked in batches"):
        await runner.read_batches()


async def test_a_run_that_is_not_there_has_no_batches() -> None:
    world = World()
    world.ledger = MemoryLedger()
    assert await world.runner().read_batches() is None
