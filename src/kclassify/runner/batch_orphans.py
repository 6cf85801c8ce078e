"""Finds out what became of a batch whose creation nobody saw the end of."""

from __future__ import annotations

from collections.abc import Sequence

from kclassify.core.batch import Batch, BatchStatus, RemoteBatch
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


class BatchOrphans:
    """Looks for it among the batches that the provider got since and that no ledger row knows."""

    def __init__(self, shared: BatchParts) -> None:
        self._shared = shared
        self._nonces: dict[str, str] = {}

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
        """Those that it can be; the one that it is, is the last."""
        recent = await self._unknown(batch)
        if not isinstance(recent, Sequence):
            return recent
        candidates: list[Candidate] = []
        for remote in recent:
            is_ours = await self._is_ours(batch, remote)
            if is_ours is not None and not isinstance(is_ours, bool):
                return is_ours
            candidates.append(Candidate(remote, is_ours))
            if is_ours:
                break
        return candidates

    async def _unknown(self, batch: Batch) -> Sequence[RemoteBatch] | Trouble:
        """The batches at the provider that it can be, and that no ledger row knows."""
        shared, since = self._shared, looks_back_to(batch)
        recent = await shared.ask(shared.provider.recent(since))
        if not isinstance(recent, Sequence):
            return recent
        # What the provider got since then may be from before it by our clock.
        since -= CREATING_S + CLOCKS_S
        known = await shared.parts.thread(shared.ledger.remote_ids, since)
        return [each for each in recent if each.id not in known and may_be(batch, each)]

    async def _is_ours(self, batch: Batch, remote: RemoteBatch) -> bool | Trouble | None:
        if not remote.is_ended:
            return None
        if remote.id not in self._nonces:
            nonce = await self._shared.ask(self._shared.provider.nonce_of(remote.id))
            if not isinstance(nonce, str):
                return nonce
            self._nonces[remote.id] = nonce
        return self._nonces[remote.id] == batch.nonce
