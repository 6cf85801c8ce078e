"""Puts what batches have settled behind the cursor, in the order of the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from kclassify.core.batch import Standing, Tried
from kclassify.core.batching import NOTHING_MET, is_to_be_asked, settled_without_verdict
from kclassify.core.decision import Decision
from kclassify.core.item import Item
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Landed
from kclassify.ports import Checkpoint
from kclassify.runner.batch_outage import BatchOutage
from kclassify.runner.batch_parts import BatchParts
from kclassify.runner.reading import Reading

PAGE = 500


class BatchDraining:
    """Walks on from the cursor until an item is in flight, or is to be asked.

    `max_items` is what may be settled at most. `is_at_end`: no item follows the cursor.
    `is_blocked`: the item that follows it is to be asked. `has_moved`: the last walk settled
    something; `has_passed`: it went past what the last plan reached.
    """

    def __init__(self, shared: BatchParts, outage: BatchOutage, max_items: int | None) -> None:
        self._shared = shared
        self._outage = outage
        self._left = max_items
        self.is_at_end = self.is_blocked = self.has_moved = self.has_passed = False

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be settled."""
        return self._left == 0

    @property
    def left(self) -> int | None:
        """How many items may still be settled; None: any number."""
        return self._left

    async def drain(self, standing: Standing) -> Decision | None:
        """Move the cursor as far as it goes; a decision when another worker moved it."""
        self.is_at_end = self.is_blocked = self.has_moved = self.has_passed = False
        reading = Reading(self._shared.parts, self._shared.opened)
        while limit := self._limit:
            items, recalled = await reading.page(limit)
            tried = await self._tried(items)
            landed = list(self._settled(items, recalled, tried))
            lost = await self._store(landed) if landed else None
            if lost is not None:
                return lost
            self.has_moved |= bool(landed)
            self.has_passed |= any(one.key == standing.reached for one in landed)
            if len(landed) < len(items):
                head = tried.get(items[len(landed)].digest, NOTHING_MET)
                self.is_blocked = is_to_be_asked(head)
                return None
            if len(items) < limit:
                self.is_at_end = True
                return None
            if self._shared.is_time_up():
                return None
        return None

    @property
    def _limit(self) -> int:
        room = min(PAGE, self._shared.checkpointing.room)
        return room if self._left is None else min(room, self._left)

    async def _tried(self, items: Sequence[Item]) -> Mapping[str, Tried]:
        shared = self._shared
        digests = {item.digest for item in items if not item.is_empty}
        return await shared.parts.thread(shared.ledger.tried, shared.opened, digests)

    def _settled(
        self,
        items: Sequence[Item],
        recalled: Mapping[str, Outcome[str]],
        tried: Mapping[str, Tried],
    ) -> Iterator[Landed]:
        for item in items:
            met = tried.get(item.digest, NOTHING_MET)
            outcome = _outcome(item, recalled.get(item.digest), met)
            if outcome is None:
                return
            yield Landed(item.key, item.digest, item.current, outcome)

    async def _store(self, landed: Sequence[Landed]) -> Decision | None:
        shared, known = self._shared, self._outage.breaker
        settled = await shared.checkpointing.settled(landed)
        state = Checkpoint(
            settled, landed[-1].key, known, shared.opened.suspects, shared.opened.limit
        )
        lost = await shared.checkpointing.store(state)
        if lost is not None:
            return lost
        self._outage.learn(known, shared.opened.breaker, shared.now)
        if self._left is not None:
            self._left -= len(landed)
        return None


def _outcome(item: Item, recalled: Outcome[str] | None, met: Tried) -> Outcome[str] | None:
    """What the item is settled with; None while that is not known."""
    if item.is_empty:
        return Outcome(OutcomeKind.EMPTY, detail="the body holds no text")
    if recalled is not None:
        # A batch of this pass paid for it.
        return replace(recalled, recalled=False) if met.is_final else recalled
    return settled_without_verdict(met)
