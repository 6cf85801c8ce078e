from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import pytest

from kclassify import Advance, Done, Item, OutcomeKind
from kclassify.core.decision import Pause
from kclassify.core.survey import Survey
from kclassify.errors import GateRefused, SourceError, UsageError, WriterError
from kclassify.events import CallEnded, Checkpointed, PassOpened, Warned
from tests.runner.world import World, failing, rows


def transitions(events: list[Checkpointed]) -> Counter[tuple[str | None, str]]:
    total: Counter[tuple[str | None, str]] = Counter()
    for event in events:
        total.update(event.transitions)
    return total


async def test_a_dry_run_asks_each_item_once_and_writes_nothing() -> None:
    world = World()
    assert await world.runner().dry_run() == Done()
    assert sorted(world.asked) == list(range(1, 21))
    assert world.table.tried == []
    assert set(world.table.labels.values()) == {"old"}


async def test_a_commit_after_a_dry_run_writes_what_it_showed_and_asks_nothing() -> None:
    world = World(script=lambda item: "left" if item.key % 2 else "right")  # type: ignore[operator]
    await world.runner().dry_run()
    shown = world.told(Checkpointed)
    world.classifier.asked.clear()
    world.events.clear()
    assert await world.runner().commit(override="test") == Done()
    assert world.asked == []
    assert transitions(world.told(Checkpointed)) == transitions(shown)
    assert world.table.labels == {n: "left" if n % 2 else "right" for n in range(1, 21)}


async def test_a_commit_without_a_dry_run_classifies_as_it_goes() -> None:
    world = World()
    assert await world.runner().commit(override="test") == Done()
    assert len(world.asked) == 20
    assert set(world.table.labels.values()) == {"left"}
    assert world.table.finished == 1


async def test_a_second_commit_writes_nothing_and_asks_nothing() -> None:
    world = World()
    await world.runner().commit(override="test")
    world.classifier.asked.clear()
    world.table.tried.clear()
    assert await world.runner().commit(override="test") == Done()
    assert world.asked == []
    assert world.table.tried == []


async def test_only_a_row_whose_text_changed_costs_a_call_in_a_new_pass() -> None:
    world = World()
    await world.runner().dry_run()
    world.classifier.asked.clear()
    items = [*rows(19), Item(key=20, body="another text", current="old")]
    world.table = type(world.table)(items)
    assert await world.runner().dry_run() == Done()
    assert world.asked == [20]


async def test_another_fingerprint_asks_again() -> None:
    world = World()
    await world.runner().dry_run()
    world.classifier.version = "2"
    await world.runner().dry_run()
    assert len(world.asked) == 40


async def test_unconfident_verdicts_and_equal_labels_are_not_written() -> None:
    world = World(items=[*rows(3), Item(key=4, body="already there", current="left")])
    world.classifier._confidence = 0.74
    await world.runner().commit(override="test")
    assert world.table.tried == []
    assert world.told(Checkpointed)[-1].actions == {"unconfident": 3, "same": 1}


async def test_a_threshold_of_one_category_holds_for_that_category() -> None:
    world = World(script=lambda item: "left" if item.key == 1 else "right")
    runner = world.runner(min_confidence_by_category={"right": 0.95})
    await runner.commit(override="test")
    assert [write.change.key for write in world.table.tried] == [1]


async def test_a_row_with_no_label_yet_is_labelled() -> None:
    world = World(items=rows(3, current=None))
    await world.runner().commit(override="test")
    assert set(world.table.labels.values()) == {"left"}


async def test_an_empty_body_is_an_outcome_and_never_a_call() -> None:
    world = World(items=[*rows(2), Item(key=3, body=" \n", current="old")])
    await world.runner().dry_run()
    assert sorted(world.asked) == [1, 2]
    assert world.told(Checkpointed)[-1].kinds == {"judged": 2, "empty": 1}


async def test_rows_with_the_same_text_cost_one_call() -> None:
    world = World(items=[Item(key=n, body="the same", current="old") for n in range(1, 31)])
    await world.runner().commit(override="test")
    assert len(world.asked) == 1
    assert set(world.table.labels.values()) == {"left"}


async def test_an_empty_source_is_done() -> None:
    world = World(items=[])
    assert await world.runner().dry_run() == Done()
    assert world.told(PassOpened)[0].items == 0


async def test_commit_without_an_override_is_refused_before_anything_happens() -> None:
    world = World()
    with pytest.raises(GateRefused, match="override"):
        await world.runner().commit()
    with pytest.raises(GateRefused, match="override"):
        await world.runner().commit(override="  ")
    assert world.asked == []
    assert world.events == []


async def test_commit_without_a_writer_is_refused() -> None:
    world = World()
    runner = world.runner()
    runner.writer = None
    with pytest.raises(UsageError, match="writer"):
        await runner.commit(override="test")


async def test_an_unknown_current_label_is_an_error_that_names_the_rows() -> None:
    world = World(items=[*rows(3), Item(key=4, body="x", current="mystery")])
    with pytest.raises(SourceError, match=r"'mystery' on 1 row \(key 4\)"):
        await world.runner().dry_run()
    assert world.asked == []


async def test_max_items_ends_one_call_and_the_next_goes_on() -> None:
    world = World()
    decision = await world.runner(max_items=7).dry_run()
    assert decision == Advance(cursor=7, pause=Pause.MAX_ITEMS)
    assert sorted(world.asked) == list(range(1, 8))
    assert await world.runner().dry_run() == Done()
    assert sorted(world.asked) == list(range(1, 21))


async def test_a_row_relabelled_by_someone_else_is_a_conflict_and_stays() -> None:
    world = World()

    def script(item: Item) -> str:
        world.table.labels[5] = "right"
        return "left"

    world.script = script
    await world.runner().commit(override="test")
    assert world.table.labels[5] == "right"
    assert sum(event.actions.get("conflict", 0) for event in world.told(Checkpointed)) == 1


async def test_concurrency_is_used_and_never_exceeded() -> None:
    world = World(items=rows(50))
    await world.runner().dry_run()
    assert world.classifier.most_in_flight == 4


async def test_item_failures_are_recorded_with_their_reason_and_pass_by() -> None:
    world = World(script=lambda _: failing(OutcomeKind.REFUSED))
    assert await world.runner().dry_run() == Done()
    assert {event.kind for event in world.told(CallEnded)} == {OutcomeKind.REFUSED}
    assert sum(event.kinds["refused"] for event in world.told(Checkpointed)) == 20
    world.classifier.asked.clear()
    await world.runner().commit(override="test")
    assert world.asked == []


async def test_a_source_that_looked_away_cannot_slip_an_unknown_label_in() -> None:
    world = World(items=[*rows(3), Item(key=4, body="x", current="mystery")])
    world.table.survey = lambda known: Survey(4)  # type: ignore[method-assign]
    with pytest.raises(SourceError, match=r"'mystery' on 1 row \(key 4\)"):
        await world.runner().commit(override="test")
    assert world.table.labels[4] == "mystery"


async def test_a_dry_run_warns_when_a_commit_would_be_refused() -> None:
    world = World(items=rows(3))

    def check(labels: Collection[str] = ()) -> None:
        raise WriterError(f"articles.category cannot hold {sorted(labels)}")

    world.table.check = check  # type: ignore[method-assign]
    assert await world.runner().dry_run() == Done()
    assert "cannot hold ['left', 'right']" in world.told(Warned)[0].message
    world.classifier.asked.clear()
    with pytest.raises(WriterError, match="cannot hold"):
        await world.runner().commit(override="test")
    assert world.asked == []


async def test_a_step_without_time_is_refused() -> None:
    world = World()
    with pytest.raises(UsageError, match="budget_s"):
        await world.runner().step(budget_s=0)


def test_an_item_without_a_text_says_so() -> None:
    with pytest.raises(SourceError, match="'k': the body is a text"):
        Item("k", None)  # type: ignore[arg-type]
