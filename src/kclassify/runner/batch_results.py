"""Reads the results of a batch that has ended into the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kclassify.core.batch import Answer, Batch, BatchResult, BatchStatus, Tried
from kclassify.core.batching import NOTHING_MET, ResultRules, Turnout, is_answer
from kclassify.core.spending import NOTHING, Charge
from kclassify.core.unread_batches import of_another_classifier
from kclassify.core.verdict import Outcome
from kclassify.events import BatchChanged
from kclassify.runner.batch_outage import BatchOutage
from kclassify.runner.batch_parts import BatchParts, Trouble

GROUP = 500
"""Results of one transaction."""


@dataclass(slots=True)
class _Account:
    """What was new among the results."""

    answered: int = 0
    again: int = 0
    charge: Charge = NOTHING

    def add(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            self.answered += answer.is_final
            self.again += not answer.is_final
            self.charge += Charge.of(answer.outcome)


@dataclass(slots=True)
class _Reading:
    """One batch while it is read: what is not answered waits until all that is answered is seen."""

    batch: Batch
    rules: ResultRules
    turnout: Turnout = field(default_factory=Turnout)
    account: _Account = field(default_factory=_Account)
    answered: list[BatchResult] = field(default_factory=list[BatchResult])
    others: list[BatchResult] = field(default_factory=list[BatchResult])

    def add(self, result: BatchResult) -> None:
        self.turnout.add(result)
        (self.answered if is_answer(result) else self.others).append(result)


class BatchResults:
    """Stores each group of results in one transaction: those that are there stay.

    Whoever reads a batch again meets all of its results again, and stores what is missing.
    """

    def __init__(self, shared: BatchParts, outage: BatchOutage) -> None:
        self._shared = shared
        self._outage = outage
        self._labels = frozenset(shared.parts.classifier.taxonomy.labels)

    async def read(self, batch: Batch) -> Trouble | None:
        """Read on until all is stored, or time is up after something new was.

        Trouble: the results broke off, or say that no request can be answered. What those of
        another classifier say of that is not for this one.
        """
        shared = self._shared
        policy, was_answered = shared.parts.settings.run_policy, shared.opened.last_call_at
        rules = ResultRules.of(policy, was_answered=was_answered is not None)
        reading = _Reading(batch, rules)
        is_all = await self._answered(reading)
        if is_all is not True:
            self._tell(reading, BatchStatus.ENDED)
            return is_all or None
        await self._store_all(reading, reading.others)
        await shared.parts.thread(shared.ledger.read, batch, shared.now)
        self._tell(reading, BatchStatus.READ)
        if not self._is_own(batch):
            return None
        self._outage.read(is_answered=reading.turnout.answered > 0)
        return rules.end(reading.turnout)

    async def _answered(self, reading: _Reading) -> bool | Trouble:
        """Store what is answered; False when that is not all of it, as time is up."""
        async with self._shared.results(reading.batch) as results:
            while True:
                result = await self._shared.ask(anext(results, None))
                if isinstance(result, BatchResult):
                    reading.add(result)
                if isinstance(result, BatchResult) and len(reading.answered) < GROUP:
                    continue
                await self._store_all(reading, reading.answered)
                reading.answered.clear()
                if not isinstance(result, BatchResult):
                    return True if result is None else result
                if reading.account.answered and self._shared.is_time_up():
                    return False

    async def _store_all(self, reading: _Reading, results: Sequence[BatchResult]) -> None:
        for start in range(0, len(results), GROUP):
            group = results[start : start + GROUP]
            reading.account.add(await self._shared.parts.thread(self._store, reading, group))

    def _store(self, reading: _Reading, results: Sequence[BatchResult]) -> Sequence[Answer]:
        """Those that were not there before."""
        shared = self._shared
        batch = reading.batch
        met = shared.ledger.met(batch, [result.digest for result in results])
        answers = [
            self._answer(reading, result, met.get(result.digest, NOTHING_MET)) for result in results
        ]
        return shared.ledger.collect(shared.opened, batch.fingerprint, batch, answers, shared.now)

    def _answer(self, reading: _Reading, result: BatchResult, met: Tried) -> Answer:
        answer = reading.rules.answer(self._within(result), met, reading.turnout)
        if self._is_own(reading.batch):
            return answer
        is_same_model = reading.batch.model == self._shared.parts.classifier.model
        return of_another_classifier(answer, met.worst, is_same_model=is_same_model)

    def _is_own(self, batch: Batch) -> bool:
        """Whether it asks what this classifier asks."""
        return batch.fingerprint == self._shared.parts.classifier.fingerprint

    def _within(self, result: BatchResult) -> BatchResult:
        """No label is invented, whatever a classifier says."""
        if not isinstance(result.outcome, Outcome):
            return result
        return replace(result, outcome=result.outcome.within(self._labels))

    def _tell(self, reading: _Reading, status: BatchStatus) -> None:
        batch, account = reading.batch, reading.account
        if status is BatchStatus.READ or account.charge:
            self._shared.parts.tell(
                BatchChanged(
                    str(batch.remote_id),
                    status,
                    batch.requests,
                    account.answered,
                    account.again,
                    account.charge,
                )
            )
