"""What running in batches needs: a provider that takes them, and a ledger that remembers them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from kclassify.core.batch import (
    Answer,
    Batch,
    BatchLimits,
    BatchPlan,
    BatchRequest,
    BatchResult,
    RemoteBatch,
    Standing,
    Tried,
)
from kclassify.core.decision import Halt, Superseded
from kclassify.core.item import Item
from kclassify.core.passes import Pass
from kclassify.core.verdict import Outcome


class Batches(Protocol):
    """Asks a provider in batches. Raises nothing of a library's.

    An outcome in place of an answer is one of availability: the provider was not there.
    """

    @property
    def limits(self) -> BatchLimits:
        """How large a batch may get, and how many may be in flight."""
        ...

    def request(self, item: Item, *, again: bool = False) -> BatchRequest:
        """The request for an item; `again` after a reply that could not be used."""
        ...

    async def create(
        self, requests: Sequence[BatchRequest], nonce: str
    ) -> RemoteBatch | Outcome[str] | Halt:
        """Send a batch, each request of which carries the nonce."""
        ...

    async def retrieve(self, batch: str) -> RemoteBatch | Outcome[str] | Halt:
        """How far a batch is."""
        ...

    async def recent(self, since: float) -> Sequence[RemoteBatch] | Outcome[str] | Halt:
        """The batches that the provider got since then (Unix seconds), the newest first."""
        ...

    async def nonce_of(self, batch: str) -> str | Outcome[str] | Halt:
        """The nonce of a batch that has ended, "" where its requests carry none."""
        ...

    def results(self, batch: str, nonce: str) -> AsyncIterator[BatchResult | Outcome[str] | Halt]:
        """What came of each request with this nonce in a batch that has ended, in any order.

        An outcome or a halt is the last: the provider was not there, or will not answer.
        """
        ...

    async def cancel(self, batch: str) -> RemoteBatch | Outcome[str] | Halt:
        """Have a batch end; what is answered by then has its results."""
        ...


@runtime_checkable
class AsksInBatches(Protocol):
    """A classifier that may ask in batches."""

    @property
    def batches(self) -> Batches | None:
        """Who takes the batches; None where each item is a call of its own."""
        ...


class BatchLedger(Protocol):
    """Remembers the batches of a pass, or of its shard, and what each request came to.

    `now` is Unix time in seconds. Raises `DatabaseError`.
    """

    def standing(self, opened: Pass) -> Standing:
        """The batches that are not over, and how far items were planned."""
        ...

    def tried(self, opened: Pass, digests: Collection[str]) -> Mapping[str, Tried]:
        """What these items met in the batches of this pass; nothing of those that were in none.

        One that waits for its answer in a batch of another pass of the run, for the same
        classifier, is in flight. What else it met there is of that pass: a retry asks again.
        """
        ...

    def met(self, batch: Batch, digests: Collection[str]) -> Mapping[str, Tried]:
        """What these items met in the batches of the pass that planned this one."""
        ...

    def unread(self, run: str) -> Sequence[Batch]:
        """The batches of all passes of a run that are not over, in the order of their plans."""
        ...

    def beside(self, run: str, told: str, now: float) -> Pass | None:
        """The latest pass of a run, with a step of its own that has ended: `told` says what it did.

        It is for what people do beside its workers: it has no lease and moves nothing, and what is
        read with it is charged to that step. None where the run has no pass.
        """
        ...

    def was_answered(self, opened: Pass) -> bool:
        """Whether anything of the batch of this pass that was read last was answered.

        True where none was read.
        """
        ...

    def plan(self, opened: Pass, plan: BatchPlan, now: float) -> tuple[Pass, Batch] | Superseded:
        """Store the intent to create a batch, before it is created, under the fence of the pass."""
        ...

    def sent(self, batch: Batch, remote: RemoteBatch, now: float) -> Batch:
        """The provider has it; also what it told of it later: ended, or when it expires."""
        ...

    def lost(self, batch: Batch, now: float) -> None:
        """The provider never got it: its items are free again, nothing is held for it."""
        ...

    def forget(self, opened: Pass, batch: Batch, now: float) -> int:
        """Nobody will read it: it is lost, and what of its items is not answered is free again.

        What those can have cost is uncertain from now on, in the step of `opened`, and no longer
        held: so many nanodollars, 0 where it was over.
        """
        ...

    def collect(
        self, opened: Pass, fingerprint: str, batch: Batch, answers: Sequence[Answer], now: float
    ) -> Sequence[Answer]:
        """Store results, all in one transaction; those that were not there before.

        Final answers that are paid are verdicts from now on. What the new ones cost is charged to
        the step of `opened`, and no longer held for the batch. One that is there stays.
        """
        ...

    def read(self, batch: Batch, now: float) -> None:
        """All results are read: the batch is over, and nothing is held for it.

        A request without a result is asked again, and not held against its item.
        """
        ...

    def remote_ids(self, since: float) -> Collection[str]:
        """The batches of all runs of this ledger that were created since then."""
        ...
