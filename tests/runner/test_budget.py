from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from kclassify import Done, Halt, Item, OutcomeKind, RunnerSettings, UsageError
from kclassify.core.availability import Breaker
from kclassify.core.decision import Advance, Snooze
from kclassify.core.follow_up import SnoozeFor, follow_up
from kclassify.core.price import NANODOLLARS
from kclassify.core.spending import Spending
from kclassify.core.verdict import Outcome, Usage, Verdict, judged
from kclassify.errors import DatabaseError
from kclassify.events import CallEnded, PassOpened, Snoozing, StepEnded, StepFailed, Warned
from kclassify.ports.asking import Signal
from kclassify.testing.scripted import Answer
from tests.runner.world import World, failing, rows

CENT = NANODOLLARS // 100
USED = Usage(100, 10)


def priced(items: int = 20, *, concurrency: int = 4) -> World:
    """A world where a call costs a cent, and two at most."""
    world = World(items=rows(items), settings=RunnerSettings(max_concurrency=concurrency))
    world.classifier.worst, world.classifier.cost = two_cents, a_cent
    return world


def a_cent(_: Item) -> int:
    return CENT


def two_cents(_: Item) -> int:
    return 2 * CENT


def spent(world: World) -> Spending:
    return world.ledger.spending("test")


async def test_what_each_call_came_to_is_charged_and_told() -> None:
    world = priced()
    assert await world.runner().dry_run() == Done()
    charge = spent(world).charge
    assert (charge.calls, charge.cost, charge.unpriced, charge.uncertain) == (20, 20 * CENT, 0, 0)
    assert charge.usage == Usage(2_000, 200)
    assert [event.cost for event in world.told(CallEnded)] == [CENT] * 20
    assert world.told(PassOpened)[0].spent == Spending()
    await world.runner().dry_run()
    assert world.told(PassOpened)[1].spent.charge.cost == 20 * CENT
    assert spent(world).charge == charge


async def test_without_a_price_the_calls_are_counted() -> None:
    world = World()
    assert await world.runner().dry_run() == Done()
    assert (spent(world).charge.calls, spent(world).charge.unpriced) == (20, 20)


async def test_a_budget_ends_the_run_and_more_of_it_lets_it_go_on_where_it_stopped() -> None:
    world = priced(100)
    decision = await world.runner(budget_usd=Decimal("0.30")).dry_run()
    assert isinstance(decision, Halt)
    assert decision.reason.startswith("budget: $0.2900 of $0.3000 is spent")
    assert "budget_usd" in decision.reason
    assert (spent(world).most, len(world.asked)) == (29 * CENT, 29)
    assert world.told(PassOpened)[0].budget == 30 * CENT
    assert await world.runner(budget_usd=Decimal(2)).dry_run() == Done()
    assert len(world.asked) == len(set(world.asked)) == 100
    assert spent(world).most == 100 * CENT


async def test_a_budget_is_that_of_the_run_not_of_a_pass_nor_of_a_step() -> None:
    world = priced(40)
    halted = [await world.runner(budget_usd=Decimal("0.30")).step(budget_s=10) for _ in range(3)]
    assert all(isinstance(decision, Halt) for decision in halted)
    assert spent(world).most <= 30 * CENT
    decision = await world.runner(budget_usd=Decimal("0.30")).commit(override="test")
    assert isinstance(decision, Halt)
    assert spent(world).most <= 30 * CENT


async def test_few_asks_are_needed() -> None:
    world = priced(400, concurrency=20)
    asks: list[int] = []
    real = world.ledger.reserve

    def reserve(opened: Any, budget: int, wanted: int, now: float) -> Any:
        asks.append(wanted)
        return real(opened, budget, wanted, now)

    world.ledger.reserve = reserve  # type: ignore[method-assign]
    assert await world.runner(budget_usd=Decimal(100)).dry_run() == Done()
    assert len(asks) <= 400 / 10
    assert spent(world).held == 0


@pytest.mark.parametrize("metered", [False, True], ids=["without a price", "not metered"])
async def test_a_budget_without_a_price_is_refused_before_the_lease_is_taken(
    metered: bool,
) -> None:
    world = World()
    runner = world.runner(budget_usd=Decimal(1))
    if metered:
        runner.classifier = Plain(world)
    with pytest.raises(UsageError, match=r'no price of scripted: give \[prices."scripted"\]'):
        await runner.dry_run()
    with pytest.raises(UsageError, match="budget_usd"):
        await runner.prepare()
    assert world.ledger.runs == {}


class Plain:
    """A classifier of an application's own that says nothing of its cost."""

    def __init__(self, world: World) -> None:
        self.taxonomy, self.model = world.classifier.taxonomy, "scripted"
        self.fingerprint = world.classifier.fingerprint
        self.judge, self.aclose = world.classifier.judge, world.classifier.aclose


async def test_a_call_whose_answer_nobody_saw_is_charged_as_uncertain() -> None:
    world = priced(6)
    world.timeout_s = 0.05

    async def script(item: Item) -> Answer:
        if item.key == 3:
            await anyio.sleep_forever()
        return "left"

    world.script = script
    assert await world.runner().dry_run() == Done()
    attempts = world.asked.count(3)
    charge = spent(world).charge
    assert charge.cost == CENT * (len(world.asked) - attempts)
    assert charge.uncertain == 2 * CENT * attempts
    assert {e.uncertain for e in world.told(CallEnded) if e.kind is OutcomeKind.TIMED_OUT} == {
        2 * CENT
    }


async def test_a_failure_that_was_billed_in_part_is_charged_though_it_has_no_verdict() -> None:
    world = priced(6)
    partly = Outcome[str](OutcomeKind.TIMED_OUT, detail="t", usage=USED, cost=7, uncertain=5)
    world.script = lambda i: partly if i.key == 2 and world.asked.count(2) == 1 else "left"
    assert await world.runner().dry_run() == Done()
    charge = spent(world).charge
    assert (charge.cost, charge.uncertain, charge.calls) == (6 * CENT + 7, 5, 7)


async def test_an_error_of_the_provider_costs_nothing() -> None:
    world = priced(6)
    world.script = lambda i: (
        failing(OutcomeKind.UNAVAILABLE) if world.asked.count(i.key) == 1 and i.key == 2 else "left"
    )
    assert await world.runner().dry_run() == Done()
    assert (spent(world).charge.cost, spent(world).charge.uncertain) == (6 * CENT, 0)


async def test_a_probe_is_charged() -> None:
    world = priced(1)
    used = Outcome[str](OutcomeKind.REJECTED, detail="no")
    world.script = lambda item: used if item.key == 1 else "left"
    assert await world.runner().dry_run() == Done()
    assert world.asked == [1, "probe"]
    assert spent(world).charge.cost == CENT


async def test_a_label_of_no_category_is_paid_for_all_the_same() -> None:
    world = priced(1)
    outcome = (await world.classifier.judge(rows(1)[0])).within(())  # type: ignore[union-attr]
    assert (outcome.kind, outcome.cost) == (OutcomeKind.INVALID, CENT)


async def test_calls_that_a_stop_cuts_are_charged_before_the_step_ends() -> None:
    world = priced(20)
    runner = world.runner(grace_s=1.0, budget_usd=Decimal(5))

    async def script(item: Item) -> Answer:
        if len(world.asked) == 4:
            runner.stop()
        await anyio.sleep_forever()
        return "left"

    world.script = script
    assert isinstance(await runner.dry_run(), Advance)
    assert (spent(world).charge.uncertain, spent(world).held) == (4 * 2 * CENT, 0)
    told = [(event.kind, event.cut, event.uncertain) for event in world.told(CallEnded)]
    assert told == [(None, True, 2 * CENT)] * 4
    assert world.told(CallEnded)[-1].in_flight == 0


async def test_calls_that_are_cancelled_are_charged_before_what_the_step_holds_is_let_go() -> None:
    world = priced(20)

    async def script(item: Item) -> Answer:
        if len(world.asked) == 4:
            scope.cancel()
        await anyio.sleep_forever()
        return "left"

    world.script = script
    with anyio.CancelScope() as scope:
        await world.runner(budget_usd=Decimal(5)).dry_run()
    assert (spent(world).charge.uncertain, spent(world).held) == (4 * 2 * CENT, 0)
    assert len(world.told(StepFailed)) == 1
    assert [event.cut for event in world.told(CallEnded)] == [True] * 4


async def test_a_classifier_that_raises_may_have_asked() -> None:
    world = priced(1)

    def script(_: Item) -> Answer:
        raise ValueError("an application's own")

    world.script = script
    with pytest.raises(ValueError, match="own"):
        await world.runner().dry_run()
    assert world.told(StepFailed) == [StepFailed("ValueError")]
    assert world.told(StepEnded) == []
    assert spent(world).charge.uncertain == 2 * CENT


@pytest.mark.parametrize("fails", [1, 10**6], ids=["once", "for good"])
async def test_what_cannot_be_charged_stays_held(fails: int) -> None:
    world = priced(4)
    real = world.ledger.record
    failures: list[int] = []

    def record(*given: Any, **metered: Any) -> Any:
        if len(failures) < fails:
            failures.append(1)
            raise DatabaseError("cannot use the ledger")
        return real(*given, **metered)

    world.ledger.record = record  # type: ignore[method-assign]
    with pytest.raises(DatabaseError):
        await world.runner(budget_usd=Decimal("0.08")).dry_run()
    paid = CENT * len(world.asked)
    assert spent(world).most >= paid
    if fails == 1:
        assert spent(world).held == 0
    else:
        assert spent(world).held == 8 * CENT


async def test_advice_is_told_once_a_pass() -> None:
    world = priced(20)
    world.classifier.advice = ("the prefix is too short to be cached",)
    while not isinstance(await world.runner(max_items=5).step(), Done):
        pass
    assert [w.message for w in world.told(Warned)] == ["the prefix is too short to be cached"]
    await world.runner().dry_run()
    assert len(world.told(Warned)) == 2


async def test_the_first_call_of_a_cold_cache_flies_alone_and_a_later_step_finds_it_warm() -> None:
    world = priced(40, concurrency=8)
    world.classifier.warms_cache = 300.0
    together: list[int] = []

    async def script(_: Item) -> Answer:
        for _turn in range(20):
            await anyio.lowlevel.checkpoint()
        together.append(world.classifier.in_flight)
        return "left"

    world.script = script
    await world.runner(max_items=20).step()
    assert together[0] == 1
    assert max(together) > 1
    together.clear()
    await world.runner(max_items=10).step()
    assert together[0] > 1
    world.clock.advance(280)  # the last call may have begun as long before as a call lasts
    together.clear()
    await world.runner().dry_run()
    assert together[0] == 1


def held_by_another(world: World, until_s: float) -> list[int]:
    """For so long another worker holds all but five cents; what each ask wanted."""
    real, wanted_by_ask = world.ledger.reserve, list[int]()
    until = world.clock.now() + until_s

    def reserve(opened: Any, budget: int, wanted: int, now: float) -> Any:
        wanted_by_ask.append(wanted)
        is_over = now >= until
        hold = real(opened, budget if is_over else 5 * CENT, wanted, now)
        return hold if is_over else replace(hold, others=True)

    world.ledger.reserve = reserve  # type: ignore[method-assign]
    return wanted_by_ask


async def test_what_another_worker_of_the_run_holds_is_waited_for_as_long_as_it_takes() -> None:
    world = priced(20)
    world.classifier.cost = two_cents
    wanted = held_by_another(world, 400.0)

    async def script(_: Item) -> Answer:
        await anyio.lowlevel.checkpoint()
        return "left"

    world.script = script
    began = world.clock.now()
    assert await world.runner(budget_usd=Decimal(5), checkpoint_s=10.0).dry_run() == Done()
    assert 400 <= world.clock.now() - began <= 411
    assert set(world.clock.waits) == {10.0}
    assert 0 in wanted
    assert world.ledger.breaker("test").outage_since is None


async def test_a_step_of_a_chain_of_jobs_does_not_wait_for_what_others_hold() -> None:
    """It holds nothing meanwhile, it is no outage, and no job follows at once."""
    world = priced(20)
    held_by_another(world, 25.0)
    snooze = Snooze(10, "budget: what is left is held by other workers of this run")
    runner = world.runner(budget_usd=Decimal(5))
    for _ in range(3):
        assert await runner.step(budget_s=3600) == snooze
        assert (spent(world).held, world.ledger.breaker("test")) == (0, Breaker())
        world.clock.advance(snooze.seconds)
    assert follow_up(snooze) == SnoozeFor(10, snooze.reason)
    assert await runner.step(budget_s=3600) == Done()
    assert "probe" not in world.asked


async def test_what_a_step_does_not_need_goes_back_while_its_last_calls_fly() -> None:
    world = priced(9)
    held: list[int] = []

    async def script(item: Item) -> Answer:
        if item.key == 9:
            world.clock.advance(2)
            with anyio.move_on_after(30):
                while spent(world).held > 2 * CENT:
                    await anyio.lowlevel.checkpoint()
            held.append(spent(world).held)
        return "left"

    world.script = script
    assert await world.runner(budget_usd=Decimal(5)).dry_run() == Done()
    assert held == [2 * CENT]


async def test_who_waits_for_the_provider_holds_nothing_meanwhile() -> None:
    world = priced(40)
    held: list[int] = []
    world.script = lambda item: "left" if held else failing(OutcomeKind.UNAVAILABLE)
    real = world.clock.wait

    async def wait(signal: Signal, seconds: float | None) -> None:
        if world.told(Snoozing):
            held.append(spent(world).held)
        await real(signal, seconds)

    world.clock.wait = wait  # type: ignore[method-assign]
    assert await world.runner(budget_usd=Decimal(5)).dry_run() == Done()
    assert held[0] == 0


async def test_workers_of_one_run_share_its_budget_and_each_comes_to_an_end() -> None:
    world = priced(200, concurrency=8)
    decisions: list[object] = []

    async def work() -> None:
        runner = world.runner(shards=3, budget_usd=Decimal("0.50"))
        while isinstance(decision := await runner.step(budget_s=3600), Snooze):
            assert spent(world).most <= 50 * CENT
            world.clock.advance(decision.seconds)
        decisions.append(decision)

    async def script(_: Item) -> Answer:
        await anyio.sleep(0.001)
        return "left"

    world.script = script
    assert await world.runner(shards=3).prepare() == 1
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(work)
    assert len(decisions) == 3
    assert all(isinstance(one, Halt) and one.reason.startswith("budget: ") for one in decisions)
    assert 45 * CENT <= spent(world).most <= 50 * CENT
    assert spent(world).held == 0
    assert await world.runner(budget_usd=Decimal(5)).dry_run() == Done()
    assert len(world.asked) == len(set(world.asked)) == 200


async def test_a_reply_of_the_ledger_that_is_lost_makes_no_call_be_charged_twice() -> None:
    """Whether it was stored is not known: the same is sent again, and what queued since apart."""
    world = priced(20)
    real, sent = world.ledger.record, list[tuple[int, int]]()

    def record(*given: Any, **metered: Any) -> Any:
        told = real(*given, **metered)
        sent.append((metered["number"], len(given[1])))
        if len(sent) == 3:
            raise DatabaseError("the connection was lost after the commit")
        return told

    world.ledger.record = record  # type: ignore[method-assign]
    with pytest.raises(DatabaseError):
        await world.runner(budget_usd=Decimal(5)).dry_run()
    assert sent[3] == sent[2]
    assert [number for number, _ in sent[3:]] == list(range(3, len(sent)))
    charge = spent(world).charge
    assert (charge.calls, charge.cost) == (len(world.asked), len(world.asked) * CENT)
    assert spent(world).held == 0
    assert await world.runner(budget_usd=Decimal(5)).dry_run() == Done()
    assert spent(world).charge.cost == 20 * CENT


async def test_an_answer_that_leaves_out_its_cost_counts_with_its_worst_case_in_a_budget() -> None:
    world = priced(20)
    untold = judged(Verdict("left", 0.9, "scripted", USED))
    world.script = lambda _: untold
    world.classifier.cost = world.classifier.worst = None
    world.classifier.worst_case = lambda item: 2 * CENT  # type: ignore[method-assign]
    decision = await world.runner(budget_usd=Decimal("0.20")).dry_run()
    assert isinstance(decision, Halt)
    charge = spent(world).charge
    assert (charge.calls, charge.unpriced, charge.cost) == (10, 10, 0)
    assert charge.uncertain == 20 * CENT
    assert {event.uncertain for event in world.told(CallEnded)} == {2 * CENT}


async def test_a_call_without_a_price_whose_answer_nobody_saw_is_counted_and_told() -> None:
    world = World(items=rows(1), timeout_s=0.05)

    async def script(_: Item) -> Answer:
        if len(world.asked) == 1:
            await anyio.sleep_forever()
        return "left"

    world.script = script
    assert await world.runner().dry_run() == Done()
    charge = spent(world).charge
    calls = len(world.asked)
    assert (charge.calls, charge.unpriced, charge.uncertain) == (calls, calls, 0)
    assert world.told(CallEnded)[0].uncertain is None
