"""Stores what each call came to before it gives up its place in flight, in groups."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from kclassify.core.budget import Budget
from kclassify.core.passes import Pass
from kclassify.core.spending import NOTHING, Charge
from kclassify.core.verdict import Outcome
from kclassify.core.window import Call
from kclassify.runner.parts import Parts


@dataclass(slots=True)
class _Entry:
    call: Call
    outcome: Outcome[str] | None
    charge: Charge
    is_stored: bool = False

    @property
    def verdicts(self) -> list[tuple[str, Outcome[str]]]:
        """What is stored by its item: nothing of a probe, nor of what was not answered."""
        if self.outcome is None or self.call.number is None or not self.outcome.kind.is_paid:
            return []
        return [(self.call.item.digest, self.outcome)]


class Recorder:
    """A group commit: whoever gets the lock stores all that has queued, in one transaction.

    What the calls came to is charged to the step in that transaction, and to its `budget` after it.
    Each group has a number, and one whose fate is unknown is sent again as it was: the ledger
    charges a number once.
    """

    def __init__(self, parts: Parts, opened: Pass, budget: Budget) -> None:
        self._parts = parts
        self._opened = opened
        self._budget = budget
        self._lock = anyio.Lock(fast_acquire=True)
        self._queue: list[_Entry] = []
        self._group: list[_Entry] = []
        self._number = 0
        self._failure: Exception | None = None

    async def record(
        self, call: Call, outcome: Outcome[str] | None, charge: Charge
    ) -> Outcome[str] | None:
        """Return once it is in the ledger: with the outcome that counts, if another was first.

        None is the outcome of a call that was given up. Not cancellable: it is paid for. After a
        failure of the ledger it fails at once.
        """
        entry = _Entry(call, outcome, charge)
        if not entry.verdicts and not charge:
            return outcome
        self._queue.append(entry)
        with anyio.CancelScope(shield=True):
            async with self._lock:
                if not entry.is_stored:
                    await self._store_next()
        return entry.outcome

    @asynccontextmanager
    async def held_back(self) -> AsyncGenerator[None]:
        """Within it nothing is stored, so that the ledger and the budget hold the same."""
        async with self._lock:
            yield

    @property
    def owed(self) -> Charge:
        """What calls came to that is not in the ledger."""
        return _came_to([*self._group, *self._queue])

    async def store(self) -> None:
        """Store what is left over, if anything is, also after a failure."""
        with anyio.CancelScope(shield=True):
            async with self._lock:
                while self._group or self._queue:
                    await self._store()

    async def _store_next(self) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            await self._store()
        except Exception as error:
            self._failure = error
            raise

    async def _store(self) -> None:
        if not self._group:
            self._group, self._queue = self._queue, []
            self._number += 1
        group, charge = self._group, _came_to(self._group)
        verdicts = [each for entry in group for each in entry.verdicts]
        parts = self._parts
        earlier = await parts.thread(
            parts.ledger.record,
            parts.classifier.fingerprint,
            verdicts,
            parts.clock.now(),
            opened=self._opened,
            charge=charge,
            number=self._number,
        )
        self._group = []
        self._budget.charge(charge)
        for entry in group:
            if entry.verdicts:
                entry.outcome = earlier.get(entry.call.item.digest, entry.outcome)
            entry.is_stored = True


def _came_to(entries: Sequence[_Entry]) -> Charge:
    return sum((entry.charge for entry in entries), NOTHING)
