"""Asks after the batches of a pass, and takes in what has arrived of them."""

from __future__ import annotations

from kclassify.core.batch import Batch, BatchStatus, RemoteBatch, Standing
from kclassify.core.batching import is_to_be_polled
from kclassify.core.decision import Snooze
from kclassify.events import BatchChanged
from kclassify.runner.batch_orphans import BatchOrphans
from kclassify.runner.batch_outage import BatchOutage
from kclassify.runner.batch_parts import BatchParts, Trouble
from kclassify.runner.batch_results import BatchResults


class BatchArrivals:
    """One look at each batch that is not over.

    `unsure` is until when to wait for the fate of one whose creation nobody saw the end of.
    """

    def __init__(self, shared: BatchParts, outage: BatchOutage) -> None:
        self._shared = shared
        self._outage = outage
        self._orphans = BatchOrphans(shared)
        self._results = BatchResults(shared, outage)
        self.unsure: Snooze | None = None

    async def take(self) -> Standing | Trouble:
        """The batches as they stand then, or what keeps the provider from telling.

        Once time is up no more results are read.
        """
        self.unsure = None
        for batch in (await self._standing()).batches:
            trouble = await self._look(batch)
            if trouble is not None:
                return trouble
        for batch in (await self._standing()).batches:
            if batch.status is BatchStatus.ENDED:
                trouble = await self._results.read(batch)
                if trouble is not None:
                    return trouble
                if self._shared.is_time_up():
                    break
        return await self._standing()

    async def _standing(self) -> Standing:
        shared = self._shared
        return await shared.parts.thread(shared.ledger.standing, shared.opened)

    async def _look(self, batch: Batch) -> Trouble | None:
        if batch.status is BatchStatus.INTENT:
            return await self._settle(batch)
        poll_s = self._shared.provider.limits.poll_s
        is_due = is_to_be_polled(batch, self._shared.now, poll_s)
        return await self._poll(batch) if is_due else None

    async def _settle(self, batch: Batch) -> Trouble | None:
        said = await self._orphans.settle(batch)
        if isinstance(said, Snooze):
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
