"""Kills a worker at any of its calls to ledger and provider: before it is made, or once it is."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from kclassify import Done, Halt, ReclassifyRunner
from kclassify.core.decision import Decision, Snooze
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import PROBE
from tests.runner.batches.provider import COST
from tests.runner.batches.world import World


class Killed(Exception):
    """The process is gone: nothing more of it reaches anyone."""


class Fuse:
    """Burns down by one before and after each call; at its end the worker is dead."""

    def __init__(self, length: int | None) -> None:
        self.left = length
        self.burnt = 0

    def burn(self) -> None:
        self.burnt += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class Fused:
    """Anything with methods, each of which burns a fuse."""

    def __init__(self, real: Any, fuse: Fuse, seen: Callable[[], None]) -> None:
        self._real = real
        self._fuse = fuse
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name == "batches":
            return Fused(found, self._fuse, self._seen)
        if not callable(found) or name in {"request", "heartbeat"}:
            return found
        if inspect.isasyncgenfunction(found):
            return self._streamed(found)
        return self._awaited(found) if inspect.iscoroutinefunction(found) else self._called(found)

    def _called(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self._fuse.burn()
            said = method(*given, **named)
            self._seen()
            self._fuse.burn()
            return said

        return call

    def _awaited(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*given: Any) -> Any:
            self._fuse.burn()
            said = await method(*given)
            self._fuse.burn()
            return said

        return call

    def _streamed(self, method: Callable[..., AsyncGenerator[Any]]) -> Callable[..., Any]:
        async def stream(*given: Any) -> AsyncIterator[Any]:
            self._fuse.burn()
            async with aclosing(method(*given)) as results:
                async for one in results:
                    self._fuse.burn()
                    yield one

        return stream


class Workers:
    """One worker after another on one run; each dies when its fuse is burnt."""

    def __init__(self, world: World, **changes: Any) -> None:
        self.world = world
        self._changes = changes
        self._ledger, self._provider = world.ledger, world.provider

    async def until_the_end(self, lengths: list[int]) -> tuple[Decision, int]:
        """The last decision, and how much the fuse of the last worker burnt."""
        for length in lengths:
            await self.one(Fuse(length))
        fuse = Fuse(None)
        return await self.one(fuse), fuse.burnt

    async def one(self, fuse: Fuse) -> Decision:
        """Steps until a decision that is no snooze, or its death."""
        try:
            return await self._steps(fuse)
        except Killed:
            self.world.clock.advance(self.world.settings.lease_s + 1)
            return Snooze(1, "dead")

    async def _steps(self, fuse: Fuse) -> Decision:
        for _ in range(400):
            said = await self._runner(fuse).step(budget_s=1e9)
            if not isinstance(said, Snooze):
                return said
            self.world.clock.advance(said.seconds)
        raise AssertionError("the run comes to no end")

    def _runner(self, fuse: Fuse) -> ReclassifyRunner:
        self.world.ledger = Fused(self._ledger, fuse, self._look)
        self.world.classifier.batches = Fused(self._provider, fuse, lambda: None)  # type: ignore[assignment]
        try:
            return self.world.runner(**self._changes)
        finally:
            self.world.ledger = self._ledger

    def _look(self) -> None:
        """At every moment: no more than the budget is spent, may be spent or is held."""
        budget = self.world.settings.model_copy(update=self._changes).budget
        if budget is not None:
            assert self._ledger.spending("test").most <= budget


def check(world: World, decision: Decision) -> None:
    """Nothing lost, nothing asked again that was answered, and each answer charged once."""
    assert decision == Done() or isinstance(decision, Halt)
    settled = [
        one.settled.item_key for one in world.ledger.runs["test"].passes[-1].outcomes.values()
    ]
    keys = [item.key for item in world.items]
    assert settled == keys[: len(settled)]
    answers = Counter[str]()
    for sent in world.provider.sent.values():
        for result in sent.results:
            if isinstance(result.outcome, Outcome) and result.outcome.kind.is_paid:
                usable = result.outcome.kind is not OutcomeKind.INVALID
                usable &= result.digest != PROBE.digest
                answers[sent.asked.get(result.digest, result.digest)] += usable
    assert max(answers.values(), default=0) <= 1, answers
    charge = world.ledger.spending("test").charge
    ours = [text for text in world.provider.answered if not text.startswith("foreign")]
    assert charge.cost == COST * len(ours)
    if decision == Done():
        assert settled == keys
        assert set(world.provider.asked) >= set(world.texts)
