"""Asks after the batches of a pass, and takes in what has arrived of them."""

from __future__ import annotations

from kclassify.core.batch import Batch, BatchStatus, RemoteBatch, Standing
from kclassify.core.batching import is_to_be_polled
from kclassify.core.decision import Halt, Snooze
from kclassify.core.unread_batches import out_of_reach, with_others
from kclassify.events import BatchChanged, Warned
from kclassify.runner.batch_orphans import BatchOrphans
from kclassify.runner.batch_outage import BatchOutage
from kclassify.runner.batch_parts import BatchParts, Trouble
from kclassify.runner.batch_results import BatchResults


class BatchArrivals:
    """One look at each batch that is not over: those of the pass, then those of others of its run.

    `unsure` is until when to wait for the fate of one whose creation nobody saw the end of.
    `is_for_all` is for people: each is asked after now, whatever pass or shard it is of, and one
    that cannot be read does not keep the others.
    """

    def __init__(
        self, shared: BatchParts, outage: BatchOutage, *, is_for_all: bool = False
    ) -> None:
        self._shared = shared
        self._outage = outage
        self._orphans = BatchOrphans(shared)
        self._results = BatchResults(shared, outage)
        self._is_for_all = is_for_all
        self._out_of_reach: set[int] = set()
        self.unsure: Snooze | None = None

    async def take(self) -> Standing | Trouble:
        """The batches as they stand then, or what keeps the provider from telling.

        Once time is up no more results are read.
        """
        self.unsure = None
        trouble = await self._look_at(await self._standing())
        if trouble is None:
            trouble = await self._read(await self._standing())
        return await self._standing() if trouble is None else trouble

    async def _look_at(self, standing: Standing) -> Trouble | None:
        for batch in standing.awaited + standing.strange:
            trouble = self._sorted_out(batch, await self._look(batch))
            if trouble is not None:
                return trouble
        return None

    async def _read(self, standing: Standing) -> Trouble | None:
        for batch in standing.awaited + standing.strange:
            if batch.status is BatchStatus.ENDED:
                trouble = self._sorted_out(batch, await self._results.read(batch))
                if trouble is not None:
                    return trouble
                if self._shared.is_time_up():
                    break
        return None

    def _sorted_out(self, batch: Batch, trouble: Trouble | None) -> Trouble | None:
        """What is in the way of the pass: not a batch of another classifier that is gone."""
        is_own = batch.fingerprint == self._shared.parts.classifier.fingerprint
        if not isinstance(trouble, Halt) or (is_own and not self._is_for_all):
            return trouble
        self._out_of_reach.add(batch.id)
        self._shared.parts.tell(Warned(out_of_reach(batch, trouble.reason)))
        return None

    async def _standing(self) -> Standing:
        return await self._shared.parts.thread(self._stand)

    def _stand(self) -> Standing:
        ledger, opened = self._shared.ledger, self._shared.opened
        fingerprint = self._shared.parts.classifier.fingerprint
        unread = ledger.unread(opened.run)
        if self._is_for_all:
            return with_others(Standing(), unread, None, fingerprint, self._out_of_reach)
        standing = ledger.standing(opened)
        return with_others(standing, unread, opened.id, fingerprint, self._out_of_reach)

    async def _look(self, batch: Batch) -> Trouble | None:
        if batch.status is BatchStatus.INTENT:
            return await self._settle(batch)
        poll_s = self._shared.provider.limits.poll_s
        is_due = is_to_be_polled(batch, self._shared.now, 0.0 if self._is_for_all else poll_s)
        return await self._poll(batch) if is_due else None

    async def _settle(self, batch: Batch) -> Trouble | None:
        said = await self._orphans.settle(batch)
        is_awaited = batch.fingerprint == self._shared.parts.classifier.fingerprint
        if isinstance(said, Snooze) and is_awaited:
            self.unsure = said
        if said is None or isinstance(said, Snooze):
            self._outage.heard()
            return None
        return said

    async def _poll(self, batch: Batch) -> Trouble | None:
        shared = self._shared
        remote = await shared.ask(shared.provider.retrieve(str(batch.remote_id)))
        if not isinstance(remote, RemoteBatch):
            return remote
        self._outage.heard()
        batch = await shared.parts.thread(shared.ledger.sent, batch, remote, shared.now)
        if batch.status is BatchStatus.ENDED:
            shared.parts.tell(BatchChanged(remote.id, BatchStatus.ENDED, batch.requests))
        return None
