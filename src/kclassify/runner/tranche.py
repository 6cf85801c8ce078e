"""How many rows a step may still write before people look at some of them."""

from __future__ import annotations

from collections.abc import Sequence

from kclassify.core.canary import Pending
from kclassify.core.decision import Advance, Decision, Halt, Pause
from kclassify.core.passes import Mode, Pass
from kclassify.core.policy import Action
from kclassify.events import Warned
from kclassify.runner.parts import Parts
from kclassify.runner.spot_checks import Sight, SpotChecks


class Tranche:
    """What is left of the tranche in this step; without tranches there is no end to it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._left: int | None = None

    async def begin(self, opened: Pass) -> Decision | None:
        """Look at the spot checks; the decision when nothing may be written now.

        Raises what the canary raises.
        """
        if opened.mode is Mode.DRY_RUN:
            return None
        sight = await self._look(opened)
        if sight is None:
            return None
        if sight.overridden is not None:
            self._parts.tell(Warned(f"the override sets aside {sight.overridden.reason}"))
        if isinstance(sight.following, Halt):
            return sight.following
        if isinstance(sight.following, Pending):
            self._parts.tell(sight.told)
            return Advance(opened.cursor, Pause.TRANCHE)
        self._left = sight.following
        return None

    async def end(self, opened: Pass) -> Halt | Advance:
        """Tell what people have to do now, unless they found too much already."""
        sight = await self._look(opened)
        if sight is not None and isinstance(sight.following, Halt):
            return sight.following
        if sight is not None:
            self._parts.tell(sight.told)
        return Advance(opened.cursor, Pause.TRANCHE)

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be written in this step."""
        return self._left is not None and self._left <= 0

    def limit(self, items: int) -> int:
        """How many items may be settled at once: each of them may be a write."""
        return items if self._left is None else max(0, min(items, self._left))

    def count(self, actions: Sequence[Action]) -> None:
        """Take in what became of items."""
        if self._left is not None:
            self._left -= sum(action is Action.WRITTEN for action in actions)

    async def _look(self, opened: Pass) -> Sight | None:
        parts = self._parts
        known = parts.classifier.taxonomy.known
        checks = SpotChecks(parts.ledger, parts.canary, parts.tranches, known)
        return await parts.thread(checks.look, opened.run, parts.authority)
