"""Stops and starts to listen as the plan says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.testing.listener import Listener
    from kclassify.testing.plan import FaultPlan
    from kclassify.testing.timeline import Timeline

_LOOK_EVERY_S = 0.01


class OpeningHours:
    """Looks at the clock every ten milliseconds of real time; all of it on the event loop."""

    def __init__(self, plan: FaultPlan, timeline: Timeline, listener: Listener) -> None:
        self._plan = plan
        self._timeline = timeline
        self._listener = listener
        self._refusing = False
        self._lock = asyncio.Lock()

    async def keep(self) -> None:
        """Runs until it is cancelled."""
        while True:
            await self.catch_up()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def catch_up(self) -> None:
        """Does at once what the plan says of this moment; a pause made by hand is left alone."""
        async with self._lock:
            refuses = self._plan.refuses(self._timeline.elapsed(self._timeline.now()))
            if refuses == self._refusing:
                return
            self._refusing = refuses
            await (self._listener.pause() if refuses else self._listener.open())
