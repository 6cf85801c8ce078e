"""The world with durations: a poisonous call takes its whole deadline, others are quick."""

from __future__ import annotations

import math

from kclassify.core.decision import Decision, Done, Halt
from kclassify.core.window import Call
from tests.core.corpus import Nature, nature_of
from tests.core.world import World

SECONDS = {Nature.POISON: 30.0}


class Simulation:
    """A healthy provider and a prompt runner: the clock jumps from one landing to the next."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ends: dict[Call, float] = {}

    def finish(self, turns: int) -> Decision:
        for _ in range(turns):
            decision = self._turn()
            if isinstance(decision, Done | Halt):
                return decision
        raise AssertionError(f"no end after {turns} turns: {self.world.decisions[-3:]}")

    def _turn(self) -> Decision | None:
        world = self.world
        if world.run.wants_items:
            world.fetch(world.run.room)
        world.start()
        for call in world.flying:
            self._ends.setdefault(call, world.now + self._seconds(call))
        if world.run.is_ready:
            world.checkpoint()
        decision = world.decide()
        if decision is None and not world.run.wants_items:
            self._wait()
        return decision

    def _seconds(self, call: Call) -> float:
        return 1.0 if call.number is None else SECONDS.get(nature_of(call.item), 1.0)

    def _wait(self) -> None:
        world = self.world
        wake_at = world.run.wake_at
        first = min(self._ends.values(), default=math.inf)
        if first == math.inf and wake_at is None and not world.flying:
            world.start()
            assert world.flying, "a deadlock: nothing to do, and no decision"
            return
        world.now = min(first, math.inf if wake_at is None else wake_at)
        for call in [call for call, end in self._ends.items() if end <= world.now]:
            del self._ends[call]
            world.land(world.flying.index(call))
