"""The batches that the stub was sent, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kclassify.testing.answering import new_identity
from kclassify.testing.batch_records import BatchProgress, BatchRecord, BatchRequestRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kclassify.testing.batch_results import BatchResult, BatchWork
    from kclassify.testing.batch_rules import BatchRules
    from kclassify.testing.plan_entries import Arrival


@dataclass(frozen=True, slots=True)
class Submitted:
    """One request as it was sent."""

    custom_id: str
    params: Mapping[str, Any]


@dataclass(slots=True)
class StoredBatch:
    """One batch. Times are seconds on the stub's clock, `unix_time` is that of its creation.

    `results` are in the order of the requests, and empty until it has ended.
    """

    id: str
    number: int
    arrival: Arrival
    requests: Sequence[Submitted]
    created: float
    unix_time: float
    canceled: float | None = None
    ended: float | None = None
    results: Sequence[BatchResult] = ()

    @property
    def status(self) -> BatchProgress:
        """Where it is, as the API calls it."""
        if self.ended is not None:
            return "ended"
        return "in_progress" if self.canceled is None else "canceling"

    def record(self) -> BatchRecord:
        """What there is to tell of it now."""
        pending = [BatchRequestRecord(each.custom_id, each.params) for each in self.requests]
        requests = [result.record for result in self.results] or pending
        return BatchRecord(
            self.id, self.status, tuple(requests), self.created, self.canceled, self.ended
        )


@dataclass(slots=True)
class BatchBook:
    """All batches. What is due by `now`, seconds on the stub's clock, is done when it is asked."""

    rules: BatchRules
    work: BatchWork
    _batches: dict[str, StoredBatch] = field(default_factory=dict[str, StoredBatch])

    def create(
        self, requests: Sequence[Submitted], arrival: Arrival, now: float, unix_time: float
    ) -> StoredBatch:
        """Takes a batch, which is in progress."""
        batch = StoredBatch(
            id=f"msgbatch_{new_identity()}",
            number=len(self._batches),
            arrival=arrival,
            requests=requests,
            created=now,
            unix_time=unix_time,
        )
        self._batches[batch.id] = batch
        return batch

    def catch_up(self, now: float) -> None:
        """Ends what is over by now."""
        for batch in self._batches.values():
            due = self._due(batch)
            if batch.ended is None and due is not None and due <= now:
                self._end(batch, due)

    def end_all(self, now: float) -> None:
        """Ends at once what is in progress, all requests answered, or canceled where it is."""
        self.catch_up(now)
        for batch in self._batches.values():
            if batch.ended is None:
                self._end(batch, now)

    def cancel(self, batch: StoredBatch, now: float) -> None:
        """Has a batch end; what is not worked on by now is canceled."""
        if batch.canceled is None:
            batch.canceled = now

    def get(self, identity: str) -> StoredBatch | None:
        """The batch of this id, as it is."""
        return self._batches.get(identity)

    def newest_first(self) -> list[StoredBatch]:
        """All of them."""
        return list(self._batches.values())[::-1]

    def records(self) -> list[BatchRecord]:
        """All of them, the oldest first."""
        return [batch.record() for batch in self._batches.values()]

    def lines(self, batch: StoredBatch) -> list[bytes]:
        """The results of a batch, in an order of their own."""
        ranked = sorted(
            batch.results,
            key=lambda result: self.rules.place(batch.number, result.record.custom_id),
        )
        return [result.line for result in ranked]

    def expiry(self, batch: StoredBatch) -> float:
        """When a batch expires."""
        return batch.created + self.rules.expires_s

    def _due(self, batch: StoredBatch) -> float | None:
        expires = self.expiry(batch)
        if batch.canceled is not None:
            return min(expires, batch.canceled + self.rules.canceling_s)
        seconds = self.rules.seconds
        return expires if seconds is None else min(expires, batch.created + seconds)

    def _end(self, batch: StoredBatch, at: float) -> None:
        batch.results = self.work.results(batch, self.rules, at)
        batch.ended = at
