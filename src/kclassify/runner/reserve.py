"""Keeps enough of a run's budget held for the calls that come next."""

from __future__ import annotations

import math
from dataclasses import replace

from kclassify.core.passes import Pass
from kclassify.core.run import Run
from kclassify.core.spending import Hold, Spending
from kclassify.runner.parts import Parts
from kclassify.runner.recorder import Recorder


class Reserve:
    """Asks the ledger ahead, so that calls seldom wait for it; never where there is no budget.

    Where others hold what is left it asks again now and then. Their calls end by their deadline:
    what they hold for longer than that they spend, or wait with it for more as this step does.
    """

    def __init__(self, parts: Parts, run: Run, recorder: Recorder) -> None:
        self._parts = parts
        self._run = run
        self._recorder = recorder
        self._due_at = -math.inf
        self._in_vain_since: float | None = None

    @property
    def alarm(self) -> float | None:
        """When to ask again; None where there is nothing to ask for."""
        return self._due_at if self._wanted else None

    @property
    def _wanted(self) -> int:
        return self._run.budget.wanted(self._run.coming(self._parts.clock.now()))

    async def ask(self, opened: Pass) -> None:
        """Ask where more is wanted, and it is time to."""
        if self._parts.clock.now() < self._due_at or not self._wanted:
            return
        async with self._recorder.held_back():
            wanted, before = self._wanted, self._run.budget.held
            hold, spending = await self._parts.thread(self._reserve, opened, wanted)
            granted = hold.held - before
            self._run.budget.hold(self._with_patience(hold, granted), spending)
        settings, now = self._parts.settings, self._parts.clock.now()
        self._due_at = now if granted >= wanted else now + settings.checkpoint_s

    def _reserve(self, opened: Pass, wanted: int) -> tuple[Hold, Spending | None]:
        ledger, budget = self._parts.ledger, self._run.budget
        hold = ledger.reserve(opened, budget.total or 0, wanted, self._parts.clock.now())
        # Only the end of it is told to people.
        return hold, None if hold.left else ledger.spending(opened.run)

    def _with_patience(self, hold: Hold, granted: int) -> Hold:
        now, parts = self._parts.clock.now(), self._parts
        if granted > 0 or self._run.in_flight:
            self._in_vain_since = None
            return hold
        since = self._in_vain_since = self._in_vain_since or now
        is_over = now - since > parts.timeout_s + parts.settings.checkpoint_s
        return replace(hold, others=hold.others and not is_over)
