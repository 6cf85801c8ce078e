"""How many rows a step may still write before people look at some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kclassify.core.canary import Pending, Spotted, Tranches, go_on
from kclassify.core.decision import Advance, Decision, Halt, Pause
from kclassify.core.passes import Mode, Pass
from kclassify.core.policy import Action
from kclassify.events import TrancheEnded
from kclassify.runner.parts import Parts

_Next = Halt | Pending | int | None


class Tranche:
    """What is left of the tranche in this step; without tranches there is no end to it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._left: int | None = None

    async def begin(self, opened: Pass) -> Decision | None:
        """Look at the spot checks; the decision when nothing may be written now.

        Raises what the canary raises.
        """
        parts = self._parts
        if opened.mode is Mode.DRY_RUN or (parts.canary is None and parts.tranches is None):
            return None
        following, told = await parts.thread(self._look, opened)
        if isinstance(following, Halt):
            return following
        if isinstance(following, Pending):
            parts.tell(told)
            return Advance(opened.cursor, Pause.TRANCHE)
        self._left = following
        return None

    async def end(self, opened: Pass) -> Halt | Advance:
        """Tell what people have to do now, unless they found too much already."""
        following, told = await self._parts.thread(self._look, opened)
        if isinstance(following, Halt):
            return following
        self._parts.tell(told)
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

    @property
    def _tranches(self) -> Tranches | None:
        """Without a canary nobody can check: the next commit goes on."""
        tranches = self._parts.tranches
        if tranches is None or self._parts.canary is not None:
            return tranches
        return replace(tranches, checks=0)

    def _look(self, opened: Pass) -> tuple[_Next, TrancheEnded]:
        parts, tranches = self._parts, self._tranches
        checks = [] if parts.canary is None else list(parts.canary.checks())
        written = parts.ledger.written(opened, {str(check.key) for check in checks})
        spotted = Spotted.of(checks, written)
        following = go_on(tranches, written, spotted, parts.authority.standard)
        wanted = 0 if tranches is None else tranches.wanted(written.count)
        return following, TrancheEnded(written.count, spotted.total, wanted)
