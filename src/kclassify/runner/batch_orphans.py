"""Finds out what became of a batch whose creation nobody saw the end of."""

from __future__ import annotations

from collections.abc import Sequence

from kclassify.core.batch import Batch, BatchResult, BatchStatus, RemoteBatch
from kclassify.core.decision import Snooze
from kclassify.core.orphan import (
    CLOCKS_S,
    CREATING_S,
    Adopted,
    Candidate,
    Lost,
    fate,
    looks_back_to,
    may_be,
)
from kclassify.events import BatchChanged
from kclassify.runner.batch_parts import BatchParts, Trouble

LOOKED_AT = 100
"""Results of a batch that tell whose it is."""


class BatchOrphans:
    """Looks for it among the batches that the provider got since and that no ledger row knows."""

    def __init__(self, shared: BatchParts) -> None:
        self._shared = shared
        self._strangers: set[str] = set()

    async def settle(self, batch: Batch) -> Snooze | Trouble | None:
        """None once its fate is known and stored: adopted or lost."""
        shared = self._shared
        found = await self._candidates(batch)
        if not isinstance(found, Sequence):
            return found
        said = fate(batch, found, shared.now, shared.provider.limits.poll_s)
        if isinstance(said, Snooze):
            return said
        if isinstance(said, Lost):
            await shared.parts.thread(shared.ledger.lost, batch, shared.now)
            return None
        await self._adopt(batch, said)
        return None

    async def _adopt(self, batch: Batch, found: Adopted) -> None:
        shared = self._shared
        await shared.parts.thread(shared.ledger.sent, batch, found.remote, shared.now)
        shared.parts.tell(BatchChanged(found.remote.id, BatchStatus.SENT, batch.requests))

    async def _candidates(self, batch: Batch) -> Sequence[Candidate] | Trouble:
        shared, since = self._shared, looks_back_to(batch)
        recent = await shared.ask(shared.provider.recent(since))
        if not isinstance(recent, Sequence):
            return recent
        # What the provider got since then may be from before it by our clock.
        since -= CREATING_S + CLOCKS_S
        known = await shared.parts.thread(shared.ledger.remote_ids, since)
        candidates: list[Candidate] = []
        for remote in recent:
            if remote.id in known or remote.id in self._strangers or not may_be(batch, remote):
                continue
            is_ours = await self._is_ours(batch, remote)
            if is_ours is not None and not isinstance(is_ours, bool):
                return is_ours
            candidates.append(Candidate(remote, is_ours))
        return candidates

    async def _is_ours(self, batch: Batch, remote: RemoteBatch) -> bool | Trouble | None:
        if not remote.is_ended:
            return None
        digests = await self._digests(remote)
        if not isinstance(digests, list):
            return digests
        shared = self._shared
        ours = await shared.parts.thread(shared.ledger.asked_in, batch, digests)
        is_ours = bool(digests) and len(ours) == len(digests)
        if not is_ours:
            self._strangers.add(remote.id)
        return is_ours

    async def _digests(self, remote: RemoteBatch) -> list[str] | Trouble:
        digests: list[str] = []
        async with self._shared.results(remote.id) as results:
            while len(digests) < LOOKED_AT:
                result = await self._shared.ask(anext(results, None))
                if result is None:
                    break
                if not isinstance(result, BatchResult):
                    return result
                digests.append(result.digest)
        return digests
