from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio.lowlevel
import pytest

from kclassify import Advance, Done, GateRefused, Halt, Snooze
from kclassify.core.decision import Pause
from kclassify.core.policy import Change
from kclassify.core.states import ChangeStatus, PassStatus
from kclassify.core.verdict import OutcomeKind
from kclassify.errors import SourceError
from kclassify.events import TrancheEnded, Warned
from kclassify.ports import Mode, SpotCheck, Tranches
from kclassify.store.settlement import Audited
from tests.runner.gates import opening, passed
from tests.runner.world import World, failing, rows

if TYPE_CHECKING:
    from kclassify import Item
    from kclassify.core.decision import Decision
    from kclassify.runner import ReclassifyRunner


@dataclass
class People:
    """A canary: what people have looked at so far."""

    seen: dict[int, str] = field(default_factory=dict[int, str])

    def checks(self) -> list[SpotCheck]:
        return [SpotCheck(str(key), gold) for key, gold in self.seen.items()]

    def look_at(self, world: World, *, wrong: int = 0, limit: int = 1000) -> None:
        """Check what is written, and find so many of the rows wrong."""
        keys = [key for key in written(world) if key not in self.seen][:limit]
        for place, key in enumerate(keys):
            self.seen[key] = "right" if place < wrong else "left"


def written(world: World) -> list[int]:
    return [int(str(key)) for key, label in world.table.labels.items() if label != "old"]


def in_tranches(
    world: World, people: People | None, size: int = 10, checks: int = 4
) -> ReclassifyRunner:
    return world.runner(canary=people, tranches=Tranches(size, checks))


def gated(world: World, people: People | None, **given: object) -> ReclassifyRunner:
    """The same by the record of an evaluation, which knows nothing of the rows written here."""
    gate = opening(passed(world.classifier, world.ledger, now=world.clock.now()))
    tranches = Tranches(20, 10)
    return world.runner(**({"gate": gate, "canary": people, "tranches": tranches} | given))  # type: ignore[arg-type]


def is_paused(decision: Decision) -> bool:
    return isinstance(decision, Advance) and decision.pause is Pause.TRANCHE


async def test_a_tranche_ends_after_exactly_its_rows_and_waits() -> None:
    world, people = World(items=rows(35)), People()
    decision = await in_tranches(world, people).commit(override="test")
    assert decision == Advance(10, Pause.TRANCHE)
    assert written(world) == list(range(1, 11))
    assert world.told(TrancheEnded) == [TrancheEnded(written=10, checked=0, wanted=4)]


async def test_nothing_more_is_written_until_enough_rows_are_checked() -> None:
    world, people = World(items=rows(35)), People()
    await in_tranches(world, people).commit(override="test")
    asked = len(world.asked)
    people.look_at(world, limit=3)
    assert is_paused(await in_tranches(world, people).commit(override="test"))
    assert (len(written(world)), len(world.asked)) == (10, asked)
    assert world.told(TrancheEnded)[-1] == TrancheEnded(10, 3, 4)
    people.look_at(world, limit=1)
    assert is_paused(await in_tranches(world, people).commit(override="test"))
    assert len(written(world)) == 20


async def test_a_commit_gets_to_its_end_tranche_by_tranche_and_pays_once() -> None:
    world, people = World(items=rows(35)), People()
    decisions: list[Decision] = []
    while not decisions or is_paused(decisions[-1]):
        decisions.append(await in_tranches(world, people).commit(override="test"))
        people.look_at(world)
    assert (len(decisions), decisions[-1]) == (4, Done())
    assert len(written(world)) == 35
    assert len(set(world.asked)) == len(world.asked) == 35


async def test_rows_that_are_not_written_do_not_fill_a_tranche() -> None:
    world = World(items=rows(50), script=lambda i: "left" if int(str(i.key)) % 5 == 0 else "right")
    world.table.labels.update({key: "right" for key in range(1, 51) if key % 5})
    decision = await in_tranches(world, People(), size=4).commit(override="test")
    assert decision == Advance(20, Pause.TRANCHE)
    assert [key for key in written(world) if key % 5 == 0] == [5, 10, 15, 20]


async def test_conflicts_do_not_fill_a_tranche() -> None:
    world = World(items=rows(20))
    await world.runner().dry_run()
    pages = world.table.page
    world.table.page = lambda after, limit: [  # type: ignore[method-assign]
        item for item in pages(after, limit) if world.table.labels.update({1: "right"}) is None
    ]
    decision = await in_tranches(world, People(), size=5).commit(override="test")
    assert is_paused(decision)
    assert sum(label == "left" for label in world.table.labels.values()) == 5


async def drifted(world: World, people: People) -> Halt:
    """After a tranche of which people found too much wrong."""
    await gated(world, people).commit()
    people.look_at(world, wrong=9, limit=14)
    decision = await gated(world, people).commit()
    assert isinstance(decision, Halt)
    assert len(written(world)) == 20
    return decision


async def test_wrong_writes_end_the_run_at_the_next_step() -> None:
    world, people = World(items=rows(60)), People()
    decision = await drifted(world, people)
    assert decision.reason.startswith("the canary: 9 of 14 spot-checked writes are wrong")
    assert await gated(world, people).commit() == decision


async def test_wrong_writes_found_while_a_tranche_is_written_end_the_run_with_it() -> None:
    world, people = World(items=rows(40)), People()
    people.seen = dict.fromkeys(range(1, 15), "right")
    assert isinstance(await gated(world, people).commit(), Halt)
    assert len(written(world)) == 20


async def test_a_canary_without_tranches_ends_a_run_between_its_steps() -> None:
    world, people = World(items=rows(60)), People()
    runner = gated(world, people, tranches=None, max_items=30)
    assert await runner.commit() == Advance(30, Pause.MAX_ITEMS)
    people.look_at(world, wrong=12, limit=15)
    assert isinstance(await runner.commit(), Halt)
    assert len(written(world)) == 30


async def test_a_new_pass_does_not_forget_what_people_found_wrong() -> None:
    world, people = World(items=rows(60)), People()
    decision = await drifted(world, people)
    world.ledger.runs["test"].passes[-1].status = PassStatus.ABANDONED
    world.classifier.version = "2"
    assert await gated(world, people).commit() == decision
    assert len(world.ledger.runs["test"].passes) == 2
    assert len(written(world)) == 20


def roll_back(world: World) -> None:
    """What `kclassify rollback` does to the ledger and to the rows."""
    run = world.ledger.runs["test"]
    run.passes[-1].status = PassStatus.ABANDONED
    for identity, known in run.audit.items():
        run.audit[identity] = replace(known, status=ChangeStatus.REVERTED)
        world.table.labels[known.change.key] = known.change.before


async def test_writes_that_were_put_back_end_the_next_commit_by_the_same_record() -> None:
    world, people = World(items=rows(60)), People()
    gate = opening(passed(world.classifier, world.ledger, now=world.clock.now()))
    await gated(world, people, gate=gate).commit()
    people.look_at(world, wrong=9, limit=14)
    halted = await gated(world, people, gate=gate).commit()
    roll_back(world)
    assert isinstance(halted, Halt)
    assert await gated(world, people, gate=gate).commit() == halted
    runner = gated(world, people, gate=gate)
    authority = await runner.check_gate()
    with pytest.raises(GateRefused, match="the canary: 9 of 14"):
        await runner.check_canary(authority)
    assert written(world) == []


async def test_writes_that_were_put_back_are_not_held_against_another_record() -> None:
    world, people = World(items=rows(60)), People()
    await drifted(world, people)
    roll_back(world)
    world.classifier.version = "2"
    world.script = lambda item: people.seen.get(int(str(item.key)), "left")
    assert is_paused(await gated(world, people).commit())
    assert len(written(world)) == 20


async def test_a_spot_check_of_no_category_is_refused_before_anything_is_written() -> None:
    world, people = World(items=rows(35)), People({1: "left", 2: "lefd"})
    refusal = (
        "the spot check of row '2' gives the label 'lefd', which is no category of the taxonomy; "
        "did you mean 'left'?"
    )
    with pytest.raises(SourceError, match=f"^{re.escape(refusal)}$"):
        await in_tranches(world, people).commit(override="test")
    people.seen[2] = "zzz"
    with pytest.raises(SourceError, match=r"'zzz', .*; there are left, old, right$"):
        await in_tranches(world, people).commit(override="test")
    assert (written(world), world.asked) == ([], [])


async def test_a_spot_check_may_give_a_retired_label() -> None:
    world, people = World(items=rows(35)), People({1: "old"})
    assert is_paused(await in_tranches(world, people).commit(override="test"))


async def test_an_override_sets_the_canary_aside_and_says_so() -> None:
    world, people = World(items=rows(60)), People()
    decision = await drifted(world, people)
    assert await world.runner(canary=people).commit(override="we know") == Done()
    assert len(written(world)) == 60
    assert [event.message for event in world.told(Warned)] == [
        f"the override sets aside {decision.reason}"
    ]


async def test_each_tranche_has_checks_of_its_own() -> None:
    world, people = World(items=rows(35)), People()
    await in_tranches(world, people).commit(override="test")
    people.look_at(world)
    assert is_paused(await in_tranches(world, people).commit(override="test"))
    assert len(written(world)) == 20
    assert is_paused(await in_tranches(world, people).commit(override="test"))
    assert len(written(world)) == 20
    assert world.told(TrancheEnded)[-1] == TrancheEnded(written=20, checked=4, wanted=8)


async def test_rows_of_the_gates_own_sample_are_no_fresh_evidence() -> None:
    world, people = World(items=rows(35)), People()
    await world.runner().dry_run()
    sampled = [item.digest for item in rows(7)]
    record = passed(world.classifier, world.ledger, sampled, now=world.clock.now())
    runner = world.runner(gate=opening(record), canary=people, tranches=Tranches(10, 4))
    await runner.commit()
    people.look_at(world, limit=7)
    assert is_paused(await runner.commit())
    assert world.told(TrancheEnded)[-1] == TrancheEnded(written=10, checked=0, wanted=3)
    people.look_at(world, limit=3)
    assert is_paused(await runner.commit())
    assert len(written(world)) == 20


async def test_a_write_on_its_way_waits_for_the_canary_too() -> None:
    world, people = World(items=rows(60)), People()
    await drifted(world, people)
    change = Change(30, "old", "left", 0.9)
    world.ledger.runs["test"].audit["test:1:i:30"] = Audited(change, ChangeStatus.INTENT)
    tried = len(world.table.tried)
    assert isinstance(await gated(world, people).commit(), Halt)
    assert len(world.table.tried) == tried


async def test_the_canary_can_be_asked_without_writing() -> None:
    world, people = World(items=rows(60)), People()
    runner = gated(world, people)
    await runner.check_canary(await runner.check_gate())
    await runner.commit()
    with pytest.raises(GateRefused, match="10 spot checks of its rows are missing"):
        await runner.check_canary(await runner.check_gate())
    people.look_at(world, wrong=9, limit=14)
    with pytest.raises(GateRefused, match="the canary: 9 of 14"):
        await runner.check_canary(await runner.check_gate())
    await runner.check_canary(await runner.check_gate("we know"))


async def test_the_gate_says_what_written_rows_are_held_against() -> None:
    world, people = World(items=rows(60)), People()
    record = passed(world.classifier, world.ledger, target=0.5, now=world.clock.now())
    runner = world.runner(
        gate=opening(record), canary=people, tranches=Tranches(20, 10), max_items=None
    )
    await runner.commit()
    people.look_at(world, wrong=9, limit=18)
    assert is_paused(await runner.commit())
    assert len(written(world)) == 40


async def test_without_a_canary_the_next_commit_writes_the_next_tranche() -> None:
    world = World(items=rows(25))
    assert is_paused(await in_tranches(world, None).commit(override="test"))
    assert world.told(TrancheEnded) == [TrancheEnded(10, 0, 0)]
    assert is_paused(await in_tranches(world, None).commit(override="test"))
    assert await in_tranches(world, None).commit(override="test") == Done()
    assert len(written(world)) == 25


async def test_a_tranche_that_is_the_rest_of_the_corpus_is_the_end() -> None:
    world = World(items=rows(10))
    assert await in_tranches(world, People(), size=10).commit(override="test") == Done()
    assert len(written(world)) == 10


async def test_steps_keep_to_the_tranche_and_a_pause_enqueues_nothing() -> None:
    world, people = World(items=rows(35)), People()
    enqueued: list[object] = []
    runner = in_tranches(world, people)
    decision = await runner.step(
        mode=Mode.COMMIT,
        override="test",
        on_commit=lambda _, cursor: enqueued.append(cursor),
    )
    assert (decision, enqueued) == (Advance(10, Pause.TRANCHE), [])
    assert len(written(world)) == 10


async def test_an_outage_within_a_tranche_snoozes_and_the_tranche_goes_on_after_it() -> None:
    world, people = World(items=rows(40)), People()
    answers = world.script
    world.script = lambda item: (
        answers(item) if int(str(item.key)) <= 6 else failing(OutcomeKind.UNAVAILABLE)
    )
    runner = in_tranches(world, people)
    assert isinstance(await runner.step(mode=Mode.COMMIT, override="test"), Snooze)
    assert len(written(world)) <= 6
    world.script = answers
    assert is_paused(await runner.commit(override="test"))
    assert len(written(world)) == 10


async def test_calls_in_flight_at_the_end_of_a_tranche_land_and_are_kept() -> None:
    async def slow_later(item: Item) -> str:
        while int(str(item.key)) > 10 and len(written(world)) < 10:
            await anyio.lowlevel.checkpoint()
        for _ in range(5000 if int(str(item.key)) > 10 else 0):
            await anyio.lowlevel.checkpoint()
        return "left"

    world = World(items=rows(35), script=slow_later)
    assert is_paused(await in_tranches(world, People()).commit(override="test"))
    assert len(world.asked) > 10
    assert len(world.ledger.verdicts) == len(world.asked)


async def test_a_dry_run_knows_no_tranches() -> None:
    world, people = World(items=rows(35)), People()
    assert await in_tranches(world, people).dry_run() == Done()


async def test_what_a_canary_raises_ends_the_step() -> None:
    class Broken:
        def checks(self) -> list[SpotCheck]:
            raise OSError("the list of checks is not to be had")

    world = World(items=rows(5))
    with pytest.raises(OSError, match="the list of checks"):
        await world.runner(canary=Broken()).commit(override="test")
    assert written(world) == []
