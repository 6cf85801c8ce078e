"""Stores each outcome before its call gives up its place in flight, in groups."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from kclassify.core.verdict import Outcome
from kclassify.ports import Clock, Ledger
from kclassify.runner.thread import Worker


@dataclass(slots=True)
class _Entry:
    digest: str
    outcome: Outcome[str]
    is_stored: bool = False


class Recorder:
    """A group commit: whoever gets the lock stores all that has queued, in one transaction."""

    def __init__(self, ledger: Ledger, fingerprint: str, thread: Worker, clock: Clock) -> None:
        self._ledger = ledger
        self._fingerprint = fingerprint
        self._thread = thread
        self._clock = clock
        self._lock = anyio.Lock(fast_acquire=True)
        self._queue: list[_Entry] = []
        self._failure: Exception | None = None

    async def record(self, digest: str, outcome: Outcome[str]) -> Outcome[str]:
        """Return once the outcome is in the ledger: the one that counts, should another be first.

        Not cancellable: the outcome is paid for. After a failure of the ledger it fails at once.
        """
        entry = _Entry(digest, outcome)
        self._queue.append(entry)
        with anyio.CancelScope(shield=True):
            async with self._lock:
                if not entry.is_stored:
                    await self._store()
        return entry.outcome

    async def _store(self) -> None:
        if self._failure is not None:
            raise self._failure
        batch, self._queue = self._queue, []
        pairs = [(entry.digest, entry.outcome) for entry in batch]
        now = self._clock.now()
        try:
            earlier = await self._thread(self._ledger.record, self._fingerprint, pairs, now)
        except Exception as error:
            self._failure = error
            raise
        for entry in batch:
            entry.outcome = earlier.get(entry.digest, entry.outcome)
            entry.is_stored = True
