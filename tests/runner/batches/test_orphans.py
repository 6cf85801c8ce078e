"""A batch that nobody saw arrive is known by its nonce, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

from kclassify import Done, Outcome, OutcomeKind
from kclassify.core.batch import BatchStatus
from kclassify.core.decision import Snooze
from kclassify.testing.memory_batches import MemoryBatch
from tests.runner.batches.provider import errored
from tests.runner.batches.world import World
from tests.runner.world import rows

UNSEEN = errored(OutcomeKind.TIMED_OUT, "no answer in time")
REFUSED = errored(OutcomeKind.UNAVAILABLE, "no connection")


def never_arrives(world: World) -> None:
    """The next batch does not reach the provider, and nobody is told."""
    refused = [REFUSED]

    def fault(operation: str) -> Outcome[str] | None:
        return refused.pop() if operation == "create" and refused else None

    world.provider.fault = fault


def arrives_unseen(world: World) -> None:
    """The next batch reaches the provider, and nobody is told."""
    lost = [UNSEEN]
    world.provider.after = lambda _: lost.pop() if lost else None


async def begin(world: World) -> None:
    said = await world.runner().step()
    assert isinstance(said, Snooze)
    world.clock.advance(said.seconds)


def planned(world: World) -> list[MemoryBatch]:
    return list(world.ledger.batches.all)


async def test_each_batch_has_a_nonce_of_its_own_and_asks_under_it() -> None:
    world = World()
    assert await world.runner().dry_run() == Done()
    nonces = [each.batch.nonce for each in planned(world)]
    assert len(set(nonces)) == len(nonces) == 3
    assert [sent.nonce for sent in world.provider.sent.values()] == nonces


async def test_what_another_run_asked_of_the_same_texts_is_not_taken_for_a_lost_batch() -> None:
    world, other = World(items=rows(10)), World(items=rows(10))
    other.provider.sent, other.clock = world.provider.sent, world.clock
    other.provider.clock = world.clock
    arrives_unseen(other)
    assert isinstance(await other.runner().step(), Snooze)
    never_arrives(world)
    await begin(world)
    assert (await world.steps())[-1] == Done()
    assert [each.batch.status for each in planned(world)] == [BatchStatus.LOST, BatchStatus.READ]
    assert (await other.steps())[-1] == Done()
    (read,) = planned(other)
    assert (read.batch.status, read.batch.remote_id) == (BatchStatus.READ, "batch_1")
    assert sorted(world.provider.asked) == sorted([*world.texts, *world.texts])


async def test_two_that_arrived_unseen_are_each_found() -> None:
    world = World(items=rows(20))
    lost = [UNSEEN, UNSEEN]
    world.provider.after = lambda _: lost.pop() if lost else None
    await begin(world)
    await begin(world)
    assert (await world.steps())[-1] == Done()
    assert [each.batch.remote_id for each in planned(world)] == ["batch_1", "batch_2"]
    assert sorted(world.provider.asked) == world.texts


async def test_no_clock_that_is_wrong_by_hours_hides_a_batch() -> None:
    for ahead_s in (-40_000.0, 40_000.0):
        world = World(items=rows(10))
        world.provider.ahead_s = ahead_s
        arrives_unseen(world)
        await begin(world)
        assert (await world.steps())[-1] == Done()
        assert sorted(world.provider.asked) == world.texts


async def test_a_batch_in_progress_that_is_of_another_size_holds_nothing_up() -> None:
    world = World(items=rows(10))
    world.provider.seconds = 80_000
    requests = [world.provider.request(item) for item in rows(9)]
    await world.provider.create(requests[:1], "f" * 20)
    await world.provider.create(requests, "f" * 20)
    never_arrives(world)
    world.provider.seconds = 90
    began = world.clock.now()
    assert (await world.steps())[-1] == Done()
    assert world.clock.now() - began < 1_200
    assert world.provider.calls.count("nonce_of") == 0


async def test_a_batch_in_progress_that_may_be_the_lost_one_is_waited_for() -> None:
    world = World(items=rows(10))
    await world.provider.create([world.provider.request(item) for item in rows(10)], "f" * 20)
    foreign = world.provider.sent["batch_1"]
    foreign.ends_at = world.clock.now() + 3_000
    never_arrives(world)
    decisions = await world.steps()
    assert decisions[-1] == Done()
    reasons = [said.reason for said in decisions if isinstance(said, Snooze)]
    assert "batch batch_1, which may be the one that this run lost, is in progress" in reasons
    assert world.provider.calls.count("nonce_of") == 1
    assert [each.batch.status for each in planned(world)] == [BatchStatus.LOST, BatchStatus.READ]


async def test_a_batch_that_the_ledger_knows_is_not_looked_into() -> None:
    world = World(items=rows(10))
    assert await world.runner().dry_run() == Done()
    world.classifier.version = "2"
    never_arrives(world)
    assert (await world.steps())[-1] == Done()
    assert world.provider.calls.count("nonce_of") == 0


async def test_results_under_another_nonce_are_nobodys() -> None:
    world = World(items=rows(9))
    await begin(world)
    sent = world.provider.sent["batch_1"]
    world.provider.sent["batch_1"] = replace(sent, nonce="f" * 20)
    assert (await world.steps())[-1] == Done()
    assert len(world.provider.sent) == 2
    assert world.ledger.spending("test").charge.calls == 10
