"""What all parts of a batch step work with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from kclassify.core.batch import Batch, BatchResult
from kclassify.core.decision import Halt
from kclassify.core.orphan import CREATING_S
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.ports import Pass
from kclassify.ports.batches import Batches, BatchLedger
from kclassify.runner.checkpointing import Checkpointing
from kclassify.runner.parts import Parts

T = TypeVar("T")

Trouble = Outcome[str] | Halt
"""In place of an answer: the provider is not there, or will not answer."""


@dataclass(slots=True)
class BatchParts:
    """The provider and the ledger of batches, for the pass as it is by now.

    `is_time_up` says, once a piece of work is done, that the step should end. `is_cut`: what the
    provider is asked is given up.
    """

    parts: Parts
    provider: Batches
    checkpointing: Checkpointing
    is_time_up: Callable[[], bool]
    is_cut: bool = False
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    @property
    def ledger(self) -> BatchLedger:
        """What is remembered of batches."""
        return self.parts.ledger.batches

    @property
    def opened(self) -> Pass:
        """The pass as it is by now."""
        return self.checkpointing.opened

    @property
    def now(self) -> float:
        """Unix time in seconds."""
        return self.parts.clock.now()

    async def ask(self, answer: Awaitable[T]) -> T | Outcome[str]:
        """The provider's answer, or none in time: whether it was heard is not known then."""
        with anyio.move_on_after(CREATING_S) as self._scope:
            if self.is_cut:
                self._scope.cancel()
            return await answer
        return Outcome(OutcomeKind.TIMED_OUT, detail="the provider did not answer in time")

    def cut(self) -> None:
        """Give up what the provider is asked now; it may have heard it."""
        self.is_cut = True
        self._scope.cancel()

    @asynccontextmanager
    async def results(self, batch: Batch) -> AsyncGenerator[AsyncIterator[BatchResult | Trouble]]:
        """The results of a batch, which are not read on once the block is left."""
        results = self.provider.results(str(batch.remote_id), batch.nonce)
        try:
            yield results
        finally:
            if isinstance(results, AsyncGenerator):
                with anyio.CancelScope(shield=True):
                    await results.aclose()
