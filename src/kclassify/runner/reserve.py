"""Keeps enough of a run's budget held for the calls that come next, and no more."""

from __future__ import annotations

import math

from kclassify.core.passes import Pass
from kclassify.core.run import Run
from kclassify.core.spending import Hold, Spending
from kclassify.runner.parts import Parts
from kclassify.runner.recorder import Recorder


class Reserve:
    """Asks the ledger ahead, so that calls seldom wait for it; never where there is no budget.

    Where others hold what is left it gives back what it holds itself, and asks again now and then.
    """

    def __init__(self, parts: Parts, run: Run, recorder: Recorder) -> None:
        self._parts = parts
        self._run = run
        self._recorder = recorder
        self._due_at = self._return_at = -math.inf

    @property
    def alarm(self) -> float | None:
        """When to ask again; None where there is nothing to ask for, or to give back."""
        wanted = self._wanted
        if wanted is None:
            return None
        return self._due_at if wanted > self._run.budget.held else self._return_at

    @property
    def _wanted(self) -> int | None:
        return self._run.budget.wanted(self._run.coming(self._parts.clock.now()))

    @property
    def _has_to_wait(self) -> bool:
        first = next(self._run.coming(self._parts.clock.now()), None)
        return first is not None and self._run.budget.waits_for(first)

    async def ask(self, opened: Pass) -> None:
        """Ask where more is wanted, or less, and it is time to."""
        alarm = self.alarm
        if alarm is None:
            return
        waits_with_some = self._has_to_wait and self._run.budget.held > 0
        if self._parts.clock.now() < alarm and not waits_with_some:
            return
        async with self._recorder.held_back():
            wanted = self._wanted
            if wanted is not None:
                await self._hold_or_wait(opened, wanted)

    async def give_back(self, opened: Pass) -> None:
        """Hold nothing while nothing is in flight, and nothing will be for a while."""
        async with self._recorder.held_back():
            if self._run.budget.held and not self._run.in_flight:
                await self._hold(opened, 0)

    async def _hold_or_wait(self, opened: Pass, wanted: int) -> None:
        is_granted = await self._hold(opened, wanted)
        if self._has_to_wait and self._run.budget.held:
            await self._hold(opened, 0)
        now, later = self._parts.clock.now(), self._parts.settings.checkpoint_s
        self._due_at, self._return_at = now if is_granted else now + later, now + later

    async def _hold(self, opened: Pass, wanted: int) -> bool:
        """Whether all of it is held from now on."""
        self._run.budget.lower(wanted)
        hold, spending = await self._parts.thread(self._reserve, opened, wanted)
        self._run.budget.hold(hold, spending)
        return hold.held >= wanted

    def _reserve(self, opened: Pass, wanted: int) -> tuple[Hold, Spending | None]:
        ledger, budget = self._parts.ledger, self._run.budget
        hold = ledger.reserve(opened, budget.total or 0, wanted, self._parts.clock.now())
        # Only the end of it is told to people.
        return hold, None if hold.left else ledger.spending(opened.run)
