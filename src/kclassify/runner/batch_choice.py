"""Chooses what the next batch asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kclassify.core.batch import BatchLimits, BatchRequest, Standing, Tried
from kclassify.core.batching import NOTHING_MET, has_failed, is_to_be_asked
from kclassify.core.item import Item, Key
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import PROBE
from kclassify.runner.batch_draining import PAGE, BatchDraining
from kclassify.runner.batch_parts import BatchParts
from kclassify.runner.reading import Reading


@dataclass(slots=True)
class Choice:
    """Requests for one batch. `reached` is the key up to which items were looked at.

    `is_all` says that no item follows; `is_all_failed` that none of them was asked for the first
    time, or is asked again for its reply. Then there is room for `probe`, too.
    """

    limits: BatchLimits
    probe: BatchRequest
    reached: Key | None = None
    is_all: bool = False
    requests: list[BatchRequest] = field(default_factory=list[BatchRequest])
    digests: set[str] = field(default_factory=set[str])
    bytes: int = 0
    is_all_failed: bool = True

    def take(self, request: BatchRequest, met: Tried) -> bool:
        """Add it; False when there is no room. What is too large for any batch has one to itself.

        The provider says what becomes of it. `met` is what its item met before. The first has a
        place whatever the limits are, and so has a probe beside it.
        """
        is_all_failed = self.is_all_failed and has_failed(met)
        size = self.bytes + request.size
        number = len(self.requests) + 1
        if self.requests and self._is_beyond(number, size, is_probed=is_all_failed):
            return False
        self.requests.append(request)
        self.digests.add(request.digest)
        self.bytes = size
        self.is_all_failed = is_all_failed
        return True

    def _is_beyond(self, number: int, size: int, *, is_probed: bool) -> bool:
        """Whether so many requests, of so many bytes, are more than a batch may have."""
        if is_probed:
            number, size = number + 1, size + self.probe.size
        return number > self.limits.requests or size > self.limits.bytes

    def shrink(self, requests: int, standing: Standing) -> None:
        """Keep the first so many, and look at the others again later."""
        del self.requests[requests:]
        self.reached, self.is_all = standing.reached, False


@dataclass(frozen=True, slots=True)
class _Start:
    """Where to begin. `is_beyond`: no plan looked at what follows."""

    after: Key | None
    left: int | None
    is_beyond: bool


class BatchChoice:
    """Walks on through the source, past what is answered or in flight."""

    def __init__(self, shared: BatchParts, draining: BatchDraining) -> None:
        self._shared = shared
        self._draining = draining
        self._nothing_after: set[Key] = set()

    async def make(self, standing: Standing) -> Choice:
        """The next requests, none where nothing is to be asked."""
        provider, start = self._shared.provider, self._start(standing)
        choice = Choice(provider.limits, provider.request(PROBE))
        choice.reached = standing.reached
        if start is not None:
            await self._walk(start, choice, standing.reached)
        if standing.reached is not None and choice.is_all and not choice.requests:
            self._nothing_after.add(standing.reached)
        return choice

    def _start(self, standing: Standing) -> _Start | None:
        """From the cursor on where something before is to be asked, or no plan looked further.

        Elsewhere from where the last plan ended; None where nothing follows that.
        """
        draining, cursor = self._draining, self._shared.opened.cursor
        is_over = not standing.batches and not standing.again
        if standing.reached is None or draining.has_passed or is_over:
            return _Start(cursor, draining.left, is_beyond=True)
        if standing.again or draining.is_blocked or draining.left is not None:
            return _Start(cursor, draining.left, is_beyond=False)
        if standing.is_all or standing.reached in self._nothing_after:
            return None
        return _Start(standing.reached, None, is_beyond=True)

    async def _walk(self, start: _Start, choice: Choice, planned_to: Key | None) -> None:
        opened = replace(self._shared.opened, cursor=start.after)
        reading = Reading(self._shared.parts, opened)
        left, is_beyond = start.left, start.is_beyond
        while left != 0:
            limit = PAGE if left is None else min(PAGE, left)
            items, recalled = await reading.page(limit)
            tried = await self._tried(items, recalled)
            for item in items:
                if not self._look(choice, item, recalled, tried):
                    return
                is_beyond = is_beyond or item.key == planned_to
                choice.reached = item.key if is_beyond else planned_to
            if len(items) < limit:
                choice.is_all = True
                return
            left = None if left is None else left - len(items)

    async def _tried(
        self, items: Sequence[Item], recalled: Mapping[str, Outcome[str]]
    ) -> Mapping[str, Tried]:
        shared = self._shared
        digests = {item.digest for item in items} - recalled.keys()
        return await shared.parts.thread(shared.ledger.tried, shared.opened, digests)

    def _look(
        self,
        choice: Choice,
        item: Item,
        recalled: Mapping[str, Outcome[str]],
        tried: Mapping[str, Tried],
    ) -> bool:
        """Take the item where it is to be asked; False when there is no room for it."""
        met = tried.get(item.digest, NOTHING_MET)
        is_known = item.is_empty or item.digest in recalled or item.digest in choice.digests
        if is_known or not is_to_be_asked(met):
            return True
        again = met.kind is OutcomeKind.INVALID
        return choice.take(self._shared.provider.request(item, again=again), met)
