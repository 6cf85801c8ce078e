"""A commit writes what its evaluation was about, and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from kclassify import Done, GateRefused, Item
from kclassify.core.decision import Advance
from kclassify.core.gate import DryRunSeal
from kclassify.core.policy import Action
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict, judged
from kclassify.events import Checkpointed
from kclassify.ports import Mode
from kclassify.testing.memory_table import MemoryTable
from tests.runner.gates import opening, passed
from tests.runner.world import World, failing, rows

if TYPE_CHECKING:
    from kclassify.runner import ReclassifyRunner


async def evaluated(count: int = 12, **given: object) -> tuple[World, ReclassifyRunner]:
    """A world whose dry run was evaluated, and a runner that may commit exactly that."""
    world = World(items=rows(count), **given)  # type: ignore[arg-type]
    assert await world.runner().dry_run() == Done()
    world.events.clear()
    return world, sealed(world, DryRunSeal(run="test", number=1, rows=count, proposals=count))


def sealed(world: World, seal: DryRunSeal, *, max_items: int | None = None) -> ReclassifyRunner:
    sampled = [item.digest for item in rows(4)]
    record = passed(world.classifier, world.ledger, sampled, now=world.clock.now())
    gate = opening(record.model_copy(update={"dry_run": seal}))
    return world.runner(gate=gate, max_items=max_items)


def written(world: World) -> list[int]:
    return [int(str(key)) for key, label in world.table.labels.items() if label == "left"]


def actions(world: World) -> Counter[str]:
    total: Counter[str] = Counter()
    for event in world.told(Checkpointed):
        total.update(event.actions)
    return total


async def test_what_was_evaluated_is_written() -> None:
    world, runner = await evaluated()
    assert await runner.commit() == Done()
    assert written(world) == list(range(1, 13))
    assert actions(world) == {Action.WRITTEN: 12}


async def test_rows_put_in_the_place_of_those_evaluated_are_left_unwritten_and_counted() -> None:
    world, _ = await evaluated()
    world.table = MemoryTable([Item(n, f"another text {n}", None, "old") for n in range(1, 31)])
    runner = sealed(world, DryRunSeal(run="test", number=1, rows=12, proposals=12))
    assert await runner.commit() == Done()
    assert written(world) == []
    assert actions(world) == {Action.UNCERTIFIED: 30}
    told = [event.transitions for event in world.told(Checkpointed)]
    assert sum(map(len, told)) == 0


async def test_a_new_row_with_the_text_of_an_evaluated_one_is_not_evaluated() -> None:
    world, _ = await evaluated()
    copies = [Item(100 + n, f"text of row {n}", None, "old") for n in range(1, 4)]
    world.table = MemoryTable([*rows(12), *copies])
    runner = sealed(world, DryRunSeal(run="test", number=1, rows=12, proposals=12))
    await runner.commit()
    assert actions(world) == {Action.WRITTEN: 12, Action.UNCERTIFIED: 3}


async def test_a_row_relabelled_since_is_not_evaluated_and_one_that_fits_stays_the_same() -> None:
    world, runner = await evaluated()
    world.table.labels |= {3: "right", 4: None, 5: "left"}
    await runner.commit()
    assert actions(world) == {Action.WRITTEN: 9, Action.UNCERTIFIED: 2, Action.SAME: 1}
    assert (world.table.labels[3], world.table.labels[4]) == ("right", None)


async def test_an_item_that_failed_in_the_dry_run_is_not_evaluated() -> None:
    def script(item: Item) -> Outcome[str] | str:
        return failing(OutcomeKind.REFUSED) if item.key == 7 else "left"

    world, runner = await evaluated(script=script)
    world.script = lambda _: "left"
    digest = rows(7)[-1].digest
    del world.ledger.verdicts[digest, world.classifier.fingerprint]
    await runner.commit()
    assert actions(world) == {Action.WRITTEN: 11, Action.UNCERTIFIED: 1}
    assert 7 not in written(world)


async def test_a_verdict_outside_the_sample_that_changed_since_is_not_evaluated() -> None:
    world, runner = await evaluated()
    digest = rows(9)[-1].digest
    said = judged(Verdict("right", 0.99, "scripted"))
    world.ledger.verdicts[digest, world.classifier.fingerprint] = said
    await runner.commit()
    assert actions(world) == {Action.WRITTEN: 11, Action.UNCERTIFIED: 1}


async def test_a_pass_that_goes_on_and_its_steps_keep_to_what_was_evaluated() -> None:
    world, _ = await evaluated()
    seal = DryRunSeal(run="test", number=1, rows=12, proposals=12)
    assert isinstance(await sealed(world, seal, max_items=6).commit(), Advance)
    before = len(written(world))
    world.table = MemoryTable(
        [
            Item(n, f"another {n}" if n > 6 else f"text of row {n}", None, "old")
            for n in range(1, 13)
        ]
    )
    decision: object = None
    while decision != Done():
        decision = await sealed(world, seal).step(mode=Mode.COMMIT)
    assert (before, written(world)) == (6, [])
    assert actions(world) == {Action.WRITTEN: 6, Action.UNCERTIFIED: 6}


async def test_an_override_writes_what_was_not_evaluated() -> None:
    world, runner = await evaluated()
    world.table.labels[3] = "right"
    await runner.commit(override="agreed")
    assert actions(world) == {Action.WRITTEN: 12}


async def test_a_record_without_a_dry_run_writes_what_is_there() -> None:
    world = World(items=rows(12))
    record = passed(world.classifier, world.ledger, now=world.clock.now())
    await world.runner(gate=opening(record)).commit()
    assert actions(world) == {Action.WRITTEN: 12}


@pytest.mark.parametrize(
    ("seal", "expected"),
    [
        (DryRunSeal(run="test", number=2, rows=12, proposals=1), "pass 2 of run 'test'"),
        (DryRunSeal(run="other", number=1, rows=12, proposals=1), "pass 1 of run 'other'"),
        (DryRunSeal(run="test", number=1, rows=11, proposals=1), "settled 12 rows, and 11 when"),
    ],
)
async def test_a_dry_run_that_is_not_the_one_evaluated_is_refused(
    seal: DryRunSeal, expected: str
) -> None:
    world, _ = await evaluated()
    with pytest.raises(GateRefused, match=expected):
        await sealed(world, seal).commit()
    assert written(world) == []


async def test_an_unfinished_dry_run_was_not_evaluated() -> None:
    world, _ = await evaluated()
    world.table = MemoryTable(rows(20))
    await world.runner(max_items=15).dry_run()
    seal = DryRunSeal(run="test", number=2, rows=15, proposals=1)
    with pytest.raises(GateRefused, match="pass 2 of run 'test'\\) is not in this ledger"):
        await sealed(world, seal).commit()
