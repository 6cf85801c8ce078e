"""Whole runs against a budget, with crashes: what the provider may bill never exceeds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import ParamSpec, TypeVar

import anyio
import anyio.lowlevel
import pytest

from kclassify import Done, Halt, Item, RunnerSettings
from kclassify.core.decision import Decision
from kclassify.core.price import NANODOLLARS
from kclassify.errors import DatabaseError
from kclassify.runner.machine import Machine
from kclassify.runner.reserve import Reserve
from tests.core.money import Bill
from tests.runner.mortal import mortal
from tests.runner.world import World, rows

P = ParamSpec("P")
R = TypeVar("R")
CENT = NANODOLLARS // 100
ITEMS, CONCURRENCY, SEEDS = 120, 50, 50


def _nothing() -> None:
    pass


class SlowToTell:
    """Does all in order, and tells late what came of an ask: other calls are stored meanwhile."""

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        told = function(*args, **kwargs)
        is_ask = getattr(function, "__name__", "") == Reserve._reserve.__name__
        for _ in range(200 if is_ask else 1):
            await anyio.lowlevel.checkpoint()
        return told


class Spree:
    """A run whose calls cost what they like, up to their worst case."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.worst = {f"text of row {n}": self._dollars(10) for n in range(1, ITEMS + 1)}
        self.cost = {text: self.random.randint(0, most) for text, most in self.worst.items()}
        self.budget = sum(self.cost.values()) // 10
        self.bill = Bill()
        self.lost = 0
        self.answered: Counter[object] = Counter()
        self.world = World(
            items=rows(ITEMS),
            settings=RunnerSettings(max_concurrency=CONCURRENCY),
            script=self.answer,
        )
        self.world.classifier.worst = self.worst_case
        self.world.classifier.cost = self.cost_of
        self.on_call: Callable[[], None] = _nothing
        self.machine = Machine()

    def _dollars(self, cents: int) -> int:
        return self.random.randint(1, cents) * CENT

    def worst_case(self, item: Item) -> int:
        return self.worst.get(item.body, CENT)

    def cost_of(self, item: Item) -> int:
        return self.cost.get(item.body, CENT)

    async def answer(self, item: Item) -> str:
        call = self.bill.begin(self.worst_case(item))
        assert self.bill.most <= self.budget, "a call starts that does not fit"
        self.on_call()
        try:
            for _ in range(self.random.randint(0, 30)):
                await anyio.lowlevel.checkpoint()
        except BaseException:
            self.bill.end(call, self.worst_case(item))
            raise
        self.bill.end(call, self.cost_of(item))
        self.answered[item.key] += 1
        return "left"

    async def work(self) -> Decision:
        dollars = Decimal(self.budget) / NANODOLLARS
        decision = await self.world.runner(machine=self.machine, budget_usd=dollars).dry_run()
        self.holds()
        return decision

    def holds(self) -> None:
        most = self.world.ledger.spending("test").most
        assert self.bill.most <= most <= self.budget, (self.bill.most, most, self.budget)

    async def cancelled(self) -> None:
        """The second signal of an impatient person, in the middle of calls."""
        left = self.random.randint(1, 12)

        def count_down() -> None:
            nonlocal left
            left -= 1
            if not left:
                scope.cancel()

        self.on_call = count_down
        with anyio.CancelScope() as scope:
            await self.work()
        self._crashed()

    async def killed(self) -> None:
        """Nothing that the process does afterwards reaches the ledger."""
        real = self.world.ledger
        dying = mortal(real, self.random.randint(2, 12))
        self.world.ledger = dying  # type: ignore[assignment]
        try:
            await self.world.runner(budget_usd=Decimal(self.budget) / NANODOLLARS).dry_run()
        except DatabaseError:
            pass
        finally:
            self.world.ledger = real
        self._crashed()

    def _crashed(self) -> None:
        self.on_call = _nothing
        self.lost += CONCURRENCY
        self.world.clock.advance(61)
        self.holds()


@pytest.mark.parametrize("how", ["cancelled", "killed"])
async def test_no_crash_makes_a_run_exceed_its_budget_and_more_money_ends_it(how: str) -> None:
    halts = 0
    for seed in range(SEEDS // 2):
        spree = Spree(seed)
        for _ in range(spree.random.randint(0, 2)):
            await getattr(spree, how)()
        decision = await spree.work()
        assert isinstance(decision, Halt)
        assert decision.reason.startswith("budget: ")
        halts += 1
        spree.budget *= 100
        assert await spree.work() == Done()
        twice = sum(count - 1 for count in spree.answered.values())
        assert set(spree.answered) == set(range(1, ITEMS + 1))
        assert twice <= spree.lost
    assert halts == SEEDS // 2


async def test_an_answer_of_the_ledger_that_comes_late_gives_no_money_twice() -> None:
    for seed in range(10):
        spree = Spree(seed)
        spree.machine = Machine(worker=lambda _: SlowToTell())
        assert isinstance(await spree.work(), Halt)
        spree.budget *= 20
        assert await spree.work() == Done()


async def test_without_crashes_each_item_is_paid_once() -> None:
    spree = Spree(seed=4711)
    assert isinstance(await spree.work(), Halt)
    spree.budget *= 20
    assert await spree.work() == Done()
    assert set(spree.answered.values()) == {1}
    spent = spree.world.ledger.spending("test")
    assert (spent.charge.cost, spent.charge.uncertain, spent.held) == (spree.bill.sure, 0, 0)
