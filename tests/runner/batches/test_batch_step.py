from __future__ import annotations

from decimal import Decimal

import pytest

from kclassify import Advance, Done, Halt, Item, Mode, Outcome, OutcomeKind, RunnerSettings
from kclassify.core.batch import BatchRequest, BatchStatus, RemoteBatch
from kclassify.core.decision import Pause, Snooze
from kclassify.core.verdict import Verdict, judged
from kclassify.core.window import PROBE
from kclassify.events import BatchChanged, Checkpointed, Snoozing, Warned
from tests.runner.batches.provider import COST, CUT, WORST, Said, errored, expired
from tests.runner.batches.world import World
from tests.runner.world import rows


async def test_a_dry_run_waits_for_its_batches_and_asks_each_text_once() -> None:
    world = World()
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts
    assert [len(sent.asked) for sent in world.provider.sent.values()] == [10, 10, 5]
    assert world.told(Checkpointed)[-1].settled == 25
    assert sum(one.recalled for one in world.told(Checkpointed)) == 0


async def test_a_commit_recalls_what_the_dry_run_asked_in_batches() -> None:
    world = World()
    assert await world.runner().dry_run() == Done()
    assert await world.runner().commit(override="test") == Done()
    assert set(world.table.labels.values()) == {"left"}
    assert len(world.provider.asked) == 25
    assert world.told(Checkpointed)[-1].recalled > 0


async def test_while_a_batch_is_in_progress_a_step_is_snoozed_and_that_is_no_outage() -> None:
    world = World()
    world.provider.seconds = 600
    said = await world.runner().step()
    assert said == Snooze(60, "batch batch_1 is in progress: 10 requests, sent 0 s ago, and 1 more")
    assert not world.ledger.breaker("test").snoozes
    world.clock.advance(180)
    said = await world.runner().step()
    assert said == Snooze(
        60, "batch batch_1 is in progress: 10 requests, sent 3 min ago, and 1 more"
    )
    assert (await world.steps())[-1] == Done()
    assert sorted(world.provider.asked) == world.texts


async def test_no_more_batches_are_in_flight_than_may_be() -> None:
    world = World(items=rows(100))
    await world.runner().step()
    assert len(world.provider.sent) == 2
    assert (await world.steps())[-1] == Done()
    assert len(world.provider.sent) == 10


async def test_what_batches_do_is_told() -> None:
    world = World(items=rows(10))
    await world.runner().dry_run()
    assert [(one.status, one.requests) for one in world.told(BatchChanged)] == [
        (BatchStatus.SENT, 10),
        (BatchStatus.ENDED, 10),
        (BatchStatus.READ, 10),
    ]
    read = world.told(BatchChanged)[-1]
    assert (read.answered, read.again, read.charge.cost) == (10, 0, 10 * COST)
    assert world.ledger.spending("test").charge.cost == 10 * COST
    assert all("in progress" in one.reason for one in world.told(Snoozing))


async def test_what_the_model_was_not_shown_is_known_of_each_item() -> None:
    world = World(items=rows(3))
    world.provider.script = lambda text, _: (
        errored(OutcomeKind.TOO_LONG) if text == "text of row 2" else "left"
    )
    await world.runner().dry_run()
    (finished,) = world.ledger.runs["test"].passes
    cut = [one.settled.outcome.body_chars_cut for one in finished.outcomes.values()]
    assert cut == [CUT] * 3


async def test_an_answer_without_its_tokens_is_uncertain_by_all_that_it_can_cost() -> None:
    world = World(items=rows(3))
    unmetered = judged(Verdict("left", 0.9, "scripted"))
    world.provider.script = lambda text, _: unmetered if text == "text of row 2" else "left"
    assert await world.runner().dry_run() == Done()
    charge = world.ledger.spending("test").charge
    assert (charge.cost, charge.uncertain) == (2 * COST, WORST)
    assert world.told(BatchChanged)[-1].charge == charge


async def test_duplicates_share_a_request_and_empty_items_have_none() -> None:
    items = [Item(n, body="" if n % 5 == 0 else f"text {n % 3}", current="old") for n in range(30)]
    world = World(items=items)
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == ["text 0", "text 1", "text 2"]
    assert world.told(Checkpointed)[-1].settled == 30


async def test_a_text_that_is_larger_than_a_batch_has_one_to_itself() -> None:
    items = [Item(n, body=f"{n}" * (500 if n == 2 else 10), current="old") for n in range(1, 5)]
    world = World(items=items)
    world.limit(bytes=100, in_flight=4)
    assert await world.runner().dry_run() == Done()
    assert [len(sent.asked) for sent in world.provider.sent.values()] == [1, 1, 2]


async def test_a_probe_has_its_place_and_its_bytes_within_a_batch() -> None:
    for limits in ({}, {"requests": 100, "bytes": 10 * len("text of row 1")}):
        world = World(items=rows(10))
        world.limit(**limits)
        world.provider.script = lambda _, number: expired() if number == 1 else "left"
        assert await world.runner().dry_run() == Done()
        most, batches = world.provider.limits, list(world.provider.sent.values())
        assert any(PROBE.digest in sent.asked for sent in batches)
        for sent in batches:
            assert len(sent.asked) <= most.requests
            assert sum(map(len, sent.asked.values())) <= most.bytes


async def test_a_first_reply_that_cannot_be_used_is_asked_for_once_more() -> None:
    world = World(items=rows(4))
    bad = {"text of row 2": 1, "text of row 3": 2}

    def script(text: str, number: int) -> Said:
        return errored(OutcomeKind.INVALID) if bad.get(text, 0) >= number else "left"

    world.provider.script = script
    assert await world.runner().dry_run() == Done()
    first, second = world.provider.sent.values()
    assert not first.again
    assert sorted(second.asked[digest] for digest in second.again) == sorted(bad)
    kinds = sum((one.kinds["invalid"] for one in world.told(Checkpointed)), 0)
    assert kinds == 1
    assert world.ledger.spending("test").charge.calls == 6


async def test_what_expired_is_asked_again_and_not_held_against_an_item_alone() -> None:
    world = World(items=rows(13))
    world.provider.script = lambda text, number: (
        expired() if number < 4 and text.endswith("3") else "left"
    )
    world.limit(requests=1)
    assert await world.runner().dry_run() == Done()
    answered = sorted(text for text in world.provider.answered if text != PROBE.body)
    assert answered == world.texts


async def test_an_item_that_others_outlive_three_times_has_failed() -> None:
    world = World(items=rows(80))
    poison = "text of row 3"
    world.provider.script = lambda text, _: expired() if text == poison else "left"
    world.limit(requests=15)
    assert await world.runner().dry_run() == Done()
    assert world.provider.asked.count(poison) == 3
    assert sum(one.kinds["timed out"] for one in world.told(Checkpointed)) == 1


async def test_a_last_row_that_is_never_answered_does_not_hold_the_run() -> None:
    world = World(items=rows(1))
    world.provider.script = lambda text, _: "left" if text == PROBE.body else expired()
    assert await world.runner().dry_run() == Done()
    assert world.provider.asked.count("text of row 1") == 4
    assert world.provider.answered == [PROBE.body] * 3
    assert world.ledger.spending("test").charge.cost == 3 * COST
    assert sum(one.kinds["timed out"] for one in world.told(Checkpointed)) == 1


async def test_canceled_requests_are_asked_again_however_often() -> None:
    world = World(items=rows(10))

    def script(text: str, number: int) -> Said:
        is_canceled = text == "text of row 3" and number < 9
        return errored(OutcomeKind.UNAVAILABLE, "canceled") if is_canceled else "left"

    world.provider.script = script
    assert await world.runner().dry_run() == Done()
    assert world.provider.answered.count("text of row 3") == 1


async def test_a_request_that_is_rejected_among_answered_ones_is_its_items_own_failure() -> None:
    world = World(items=rows(10))
    world.provider.script = lambda text, _: (
        errored(OutcomeKind.REJECTED) if text == "text of row 3" else "left"
    )
    assert await world.runner().dry_run() == Done()
    assert world.provider.asked.count("text of row 3") == 1
    assert sum(one.kinds["rejected"] for one in world.told(Checkpointed)) == 1


async def test_a_batch_of_rejections_ends_the_run_and_its_items_are_asked_again() -> None:
    world = World(items=rows(9))
    world.provider.script = lambda _, number: (
        errored(OutcomeKind.REJECTED, "no such parameter") if number == 1 else "left"
    )
    assert await world.runner().dry_run() == Halt("every request is rejected: no such parameter")
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.answered) == world.texts


async def test_a_halt_among_the_results_ends_the_run_once_they_are_stored() -> None:
    world = World(items=rows(10))
    world.provider.script = lambda text, number: (
        Halt("no credit") if number == 1 and text.endswith("3") else "left"
    )
    assert await world.runner().dry_run() == Halt("no credit")
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.answered) == sorted([PROBE.body, *world.texts])


async def test_max_items_bounds_what_is_asked_and_settled() -> None:
    world = World()
    said = await world.runner(max_items=7).dry_run()
    assert said == Advance(7, Pause.MAX_ITEMS)
    assert len(world.provider.asked) == 7
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts


async def test_a_stop_leaves_the_batches_to_whoever_resumes() -> None:
    world = World(settings=RunnerSettings(grace_s=0))
    runner = world.runner()
    world.events.clear()

    def stop(operation: str) -> Outcome[str] | None:
        if operation == "retrieve":
            runner.stop("enough")
        return None

    world.provider.fault = stop
    assert await runner.dry_run() == Advance(None, Pause.STOPPED)
    world.provider.fault = lambda _: None
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts


async def test_steps_of_no_time_come_to_the_end_and_enqueue_the_next() -> None:
    world = World(items=rows(60))
    enqueued: list[object] = []
    ends: list[object] = []

    def enqueue(_: object, cursor: object) -> None:
        enqueued.append(cursor)

    while not ends or ends[-1] != Done():
        said = await world.runner().step(budget_s=1e-9, on_commit=enqueue)
        ends.append(said)
        world.clock.advance(said.seconds if isinstance(said, Snooze) else 0.0)
        assert len(ends) < 100
    assert enqueued == [one.cursor for one in ends if isinstance(one, Advance)]
    assert sorted(world.provider.asked) == world.texts


async def test_an_outage_snoozes_through_the_breaker_and_asks_nothing_twice() -> None:
    world = World()
    down = {"create": 2, "retrieve": 3, "results": 2, "result": 1}

    def fault(operation: str) -> Outcome[str] | None:
        if down.get(operation, 0) > 0:
            down[operation] -= 1
            return errored(OutcomeKind.UNAVAILABLE, "529 overloaded")
        return None

    world.provider.fault = fault
    decisions = await world.steps()
    assert decisions[-1] == Done()
    reasons = [one.reason for one in decisions if isinstance(one, Snooze)]
    assert sum("still no answer (unavailable: 529" in reason for reason in reasons) == 8
    assert sorted(world.provider.asked) == world.texts
    assert not world.ledger.breaker("test").snoozes


async def test_an_outage_is_told_to_all_workers_and_nothing_is_asked_until_it_may_be_over() -> None:
    world = World()
    world.provider.fault = lambda _: errored(OutcomeKind.UNAVAILABLE, "503")
    first = await world.runner().step()
    assert isinstance(first, Snooze)
    assert world.ledger.breaker("test").snoozes == 1
    calls = len(world.provider.calls)
    again = await world.runner().step()
    assert isinstance(again, Snooze)
    assert again.seconds == first.seconds
    assert len(world.provider.calls) == calls
    world.clock.advance(first.seconds)
    second = await world.runner().step()
    assert isinstance(second, Snooze)
    assert second.seconds > first.seconds


async def test_an_outage_without_an_end_is_a_halt() -> None:
    world = World(settings=RunnerSettings(max_outage_s=3600))
    world.provider.fault = lambda _: errored(OutcomeKind.UNAVAILABLE, "503")
    said = await world.runner().dry_run()
    assert isinstance(said, Halt)
    assert "has not answered for 1.0 hours" in said.reason


@pytest.mark.parametrize("seconds", [90.0, 86_400.0])
async def test_a_chain_of_steps_ends_where_its_batches_answer_nothing(seconds: float) -> None:
    world = World(settings=RunnerSettings(max_outage_s=1_000))
    world.provider.seconds = seconds
    world.limit(poll_s=seconds / 20)
    world.provider.script = lambda _text, _number: errored(OutcomeKind.UNAVAILABLE, "529")
    said = (await world.steps(budget_s=10.0))[-1]
    assert isinstance(said, Halt)
    assert said.reason.startswith("the provider has not answered for ")
    world.provider.script = lambda _text, _number: "left"
    assert (await world.steps(budget_s=10.0))[-1] == Done()
    assert not world.ledger.breaker("test").snoozes


async def test_a_connection_that_is_back_ends_an_outage_before_a_batch_is_answered() -> None:
    world = World()
    world.provider.seconds = 600
    assert isinstance(await world.runner().step(), Snooze)
    world.provider.fault = lambda _: errored(OutcomeKind.UNAVAILABLE, "no connection")
    world.clock.advance(60)
    said = await world.runner().step()
    assert isinstance(said, Snooze)
    assert world.ledger.breaker("test").snoozes == 1
    world.provider.fault = lambda _: None
    world.clock.advance(said.seconds)
    await world.runner().step()
    assert not world.ledger.breaker("test").snoozes


async def test_batches_that_answer_nothing_are_an_outage_with_an_end_too() -> None:
    world = World(settings=RunnerSettings(max_outage_s=1_000))
    world.provider.script = lambda _text, _number: errored(OutcomeKind.UNAVAILABLE, "api_error")
    said = await world.runner().dry_run()
    assert isinstance(said, Halt)
    assert "has not answered" in said.reason


async def test_a_batch_that_arrived_unseen_is_found_by_its_results() -> None:
    world = World()
    lose_the_first_answer(world)
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts
    assert world.provider.calls.count("recent") >= 1


def lose_the_first_answer(world: World) -> None:
    lost = [errored(OutcomeKind.TIMED_OUT, "no answer in time")]

    def after(_: str) -> Outcome[str] | None:
        return lost.pop() if lost else None

    world.provider.after = after


async def test_a_batch_that_arrives_late_is_waited_for_and_others_go_on() -> None:
    world = World()
    lose_the_first_answer(world)
    world.provider.listed_after_s = 500
    said = await world.runner().step()
    assert isinstance(said, Snooze)
    world.clock.advance(said.seconds)
    await world.runner().step()
    assert len(world.provider.sent) == 2
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts


async def test_the_batch_of_another_application_is_not_taken_for_a_lost_one() -> None:
    world = World()
    lose_the_first_answer(world)
    said = await world.runner().step()
    assert isinstance(said, Snooze)
    world.clock.advance(said.seconds)
    foreign = await world.provider.create([BatchRequest("f" * 64, b"foreign", 7, None)], "f" * 20)
    assert isinstance(foreign, RemoteBatch)
    await world.provider.cancel(foreign.id)
    assert (await world.steps())[-1] == Done()
    assert sorted(world.provider.asked) == ["foreign", *world.texts]


async def test_a_batch_that_never_arrived_is_created_again() -> None:
    world = World()
    refused = [errored(OutcomeKind.UNAVAILABLE, "no connection")]

    def fault(operation: str) -> Outcome[str] | None:
        return refused.pop() if operation == "create" and refused else None

    world.provider.fault = fault
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts
    reasons = [one.reason for one in world.told(Snoozing)]
    assert "a batch may still be on its way to the provider" in reasons


async def test_a_budget_shrinks_batches_and_ends_the_run_before_it_is_exceeded() -> None:
    budget = 7 * WORST
    world = World(items=rows(60), settings=RunnerSettings(budget_usd=Decimal(budget) / 10**9))
    said = await world.runner().dry_run()
    assert isinstance(said, Halt)
    assert said.reason.startswith("budget: ")
    assert "raise [runner] budget_usd and run again" in said.reason
    spending = world.ledger.spending("test")
    assert spending.held == 0
    assert budget - WORST < spending.most <= budget
    assert await world.runner(budget_usd=Decimal(1)).dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts


async def test_shards_ask_each_text_once() -> None:
    world = World(settings=RunnerSettings(shards=3), items=rows(40))
    assert await world.runner().dry_run() == Done()
    assert sorted(world.provider.asked) == world.texts


async def test_a_commit_in_batches_writes() -> None:
    world = World()
    said = await world.steps(mode=Mode.COMMIT, override="test")
    assert said[-1] == Done()
    assert set(world.table.labels.values()) == {"left"}


async def test_advice_is_told_by_the_first_of_the_steps_that_wait() -> None:
    world = World()
    world.classifier.advice = ("the prefix is too short to be cached",)
    assert (await world.steps())[-1] == Done()
    assert [event.message for event in world.told(Warned)] == list(world.classifier.advice)
