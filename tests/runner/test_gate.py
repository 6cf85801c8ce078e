from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kclassify import Advance, Done, GateRefused
from kclassify.core.gate import Evidence, GateVerdict, record_digest
from kclassify.core.policy import Action
from kclassify.core.verdict import Outcome, Verdict, judged
from kclassify.events import Checkpointed, PassOpened, Warned
from kclassify.ports import Mode
from tests.runner.gates import FixedGate, opening, passed
from tests.runner.world import World, rows

if TYPE_CHECKING:
    from kclassify import Item
    from kclassify.core.gate import GateRecord

CONFIDENCES = {1: 0.6, 2: 0.8, 3: 0.95}


def by_key(item: Item) -> Outcome[str]:
    confidence = CONFIDENCES[int(str(item.key)) % 3 + 1]
    return judged(Verdict("left" if int(str(item.key)) % 2 else "right", confidence, "scripted"))


async def after_a_dry_run() -> World:
    """A world whose dry run is done: twelve rows with three confidences in turn."""
    world = World(items=rows(12), script=by_key)
    await world.runner().dry_run()
    world.events.clear()
    return world


def record_of(world: World, **given: object) -> GateRecord:
    digests = [item.digest for item in rows(12)]
    return passed(world.classifier, world.ledger, digests, now=world.clock.now(), **given)  # type: ignore[arg-type]


def written(world: World) -> dict[int, str | None]:
    return {int(str(k)): label for k, label in world.table.labels.items() if label != "old"}


def actions(world: World) -> Counter[str]:
    total: Counter[str] = Counter()
    for event in world.told(Checkpointed):
        total.update(event.actions)
    return total


async def test_a_record_that_passed_opens_the_commit_and_is_kept_with_the_pass() -> None:
    world = await after_a_dry_run()
    record = record_of(world)
    assert await world.runner(gate=opening(record)).commit() == Done()
    assert len(written(world)) == 8
    kept = world.ledger.runs["test"].passes[-1].request
    assert (kept.gate, kept.override, kept.gate_refusal) == (record_digest(record), None, None)
    assert [each.gate for each in world.told(PassOpened)] == [record_digest(record)]


async def test_a_commit_without_gate_and_override_is_refused_before_anything_happens() -> None:
    world = await after_a_dry_run()
    with pytest.raises(GateRefused, match="record names none"):
        await world.runner().commit()
    assert (written(world), world.events, len(world.ledger.runs["test"].passes)) == ({}, [], 1)


@pytest.mark.parametrize("override", ["", "  ", None])
async def test_an_empty_reason_is_no_override(override: str | None) -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world))
    gate.alter(verdict=GateVerdict.FAIL)
    why = "the evaluation failed" if override is None else "an override needs a reason"
    with pytest.raises(GateRefused, match=why):
        await world.runner(gate=gate).commit(override=override)
    assert written(world) == {}


async def test_the_certified_threshold_holds_over_a_laxer_setting_and_says_so() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world, threshold=0.9))
    assert await world.runner(gate=gate).commit() == Done()
    assert set(written(world)) == {key for key in range(1, 13) if key % 3 == 2}
    told = [event.message for event in world.told(Warned)]
    assert told == ["the gate certified confidence 0.9, which holds over min_confidence 0.75"]


async def test_a_setting_stricter_than_what_was_certified_is_refused() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world, threshold=0.8))
    with pytest.raises(GateRefused) as refused:
        await world.runner(gate=gate, min_confidence=0.9).commit()
    assert str(refused.value) == (
        "min_confidence 0.9 is stricter than the 0.8 that was certified, and what is left of the "
        "writes was not evaluated by itself: set [policy] min_confidence = 0.9 in the suite and "
        "evaluate again, or set it to 0.8 here"
    )
    assert written(world) == {}
    runner = world.runner(gate=gate, min_confidence=0.9)
    assert await runner.commit(override="agreed") == Done()
    assert set(written(world)) == {2, 5, 8, 11}


async def test_a_stricter_category_is_refused_by_its_name() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world))
    with pytest.raises(GateRefused, match=r"min_confidence_by_category right = 0\.9 is stricter"):
        await world.runner(gate=gate, min_confidence_by_category={"right": 0.9}).commit()
    assert written(world) == {}


@pytest.mark.parametrize("category", ["right", "old"])
async def test_a_stricter_category_that_nothing_moves_to_does_not_matter(category: str) -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world, vetoed=("right",)))
    runner = world.runner(gate=gate, min_confidence_by_category={category: 0.99})
    assert await runner.commit() == Done()
    assert len(written(world)) == 4


async def test_a_laxer_category_is_raised_to_the_certified_threshold() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world, threshold=0.75))
    await world.runner(gate=gate, min_confidence_by_category={"left": 0.1}).commit()
    assert len(written(world)) == 8
    assert "left 0.1" in world.told(Warned)[0].message


async def test_a_confident_change_into_a_vetoed_category_is_left_alone_and_counted() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world, vetoed=("right",)))
    assert await world.runner(gate=gate).commit() == Done()
    assert set(written(world).values()) == {"left"}
    assert actions(world) == {Action.WRITTEN: 4, Action.VETOED: 4, Action.UNCONFIDENT: 4}


async def test_another_classifier_is_refused_by_what_differs() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world))
    world.classifier.version = "2"
    with pytest.raises(GateRefused, match="another set of parameters \\(1, and this is 2\\)"):
        await world.runner(gate=gate).commit()
    assert written(world) == {}


async def test_a_verdict_that_changed_in_the_ledger_is_refused() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world))
    key = next(key for key in world.ledger.verdicts)
    world.ledger.verdicts[key] = judged(Verdict("left", 0.123, "scripted"))
    with pytest.raises(GateRefused, match="1 of its 12 verdicts changed"):
        await world.runner(gate=gate).commit()


async def test_the_override_wins_over_a_gate_that_refuses_and_keeps_what_it_set_aside() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world, threshold=0.9, vetoed=("right",)))
    gate.evidence = replace(gate.evidence, sample_digest="edited")
    assert await world.runner(gate=gate).commit(override="agreed") == Done()
    assert len(written(world)) == 8
    kept = world.ledger.runs["test"].passes[-1].request
    assert (kept.override, kept.gate) == ("agreed", None)
    assert "was edited after the evaluation" in (kept.gate_refusal or "")
    told = [event.message for event in world.told(Warned)]
    assert len(told) == 1
    assert told[0].startswith("the override sets aside what the gate says: gate.json: its sample")


async def test_an_override_without_a_gate_sets_nothing_aside() -> None:
    world = await after_a_dry_run()
    assert await world.runner().commit(override="agreed") == Done()
    assert world.told(Warned) == []
    assert world.ledger.runs["test"].passes[-1].request.gate_refusal is None


async def test_every_step_of_a_commit_asks_again() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world))
    runner = world.runner(gate=gate, max_items=4)
    assert isinstance(await runner.step(mode=Mode.COMMIT), Advance)
    assert len(written(world)) > 0
    before = written(world)
    gate.alter(expires_at=gate.evidence.record.created_at)  # type: ignore[union-attr]
    with pytest.raises(GateRefused, match="it expired on"):
        await runner.step(mode=Mode.COMMIT)
    assert (written(world), gate.read_times) == (before, 2)


async def test_a_dry_run_needs_no_gate() -> None:
    world = World()
    gate = FixedGate(Evidence(None, problem="gate.json: no such gate record"))
    assert await world.runner(gate=gate).dry_run() == Done()
    assert gate.read_times == 0


async def test_a_gate_can_be_asked_without_writing() -> None:
    world = await after_a_dry_run()
    gate = opening(record_of(world))
    assert (await world.runner(gate=gate).check_gate()).gate is not None
    gate.alter(verdict=GateVerdict.FAIL)
    with pytest.raises(GateRefused):
        await world.runner(gate=gate).check_gate()
    assert written(world) == {}
