"""The batches of runs as the memory ledger keeps them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kclassify.core.batch import (
    Answer,
    Batch,
    BatchPlan,
    BatchStatus,
    PlannedRequest,
    RemoteBatch,
    Standing,
    Tried,
)
from kclassify.core.decision import Snooze, Superseded
from kclassify.core.item import Key
from kclassify.core.spending import Charge
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.ports import Pass, PassRequest
from kclassify.store.batch_results import UNANSWERED, charge_of, paid
from kclassify.store.batch_rows import UNREAD
from kclassify.store.places import shard_number
from kclassify.testing.memory_run import MemoryRun
from kclassify.testing.memory_spending import add_charge, begin_step, end_step
from kclassify.testing.memory_verdicts import MemoryVerdicts


class KeepsRuns(Protocol):
    """What the batches need of the ledger that they are of."""

    runs: dict[str, MemoryRun]
    verdicts: MemoryVerdicts


@dataclass(slots=True)
class MemoryBatch:
    """A batch as the memory ledger keeps it. `answers` has None for a request without a result.

    `asked` are its requests by digest; a batch that was lost waits for no answer. `over_at` is
    when it was read to its end.
    """

    batch: Batch
    opened: Pass
    reached: Key | None
    is_all: bool
    asked: Mapping[str, PlannedRequest]
    answers: dict[str, Answer | None]
    over_at: float | None = None

    @property
    def is_unread(self) -> bool:
        """Whether it is not over."""
        return self.batch.status in UNREAD

    def is_of(self, opened: Pass) -> bool:
        """Whether it is of this pass or shard: from before a cut it is of the first."""
        ours, number = shard_number(opened), shard_number(self.opened)
        return self.opened.id == opened.id and (number == ours or (number == 0 and ours == 1))

    def store(self, answer: Answer) -> bool:
        """Keep a result; False when there is one, or no such request."""
        is_new = answer.digest in self.answers and self.answers[answer.digest] is None
        if is_new:
            self.answers[answer.digest] = answer
        return is_new


class MemoryBatches:
    """Implements `kclassify.ports.BatchLedger` in memory; `all` is what it holds, for tests."""

    def __init__(self, ledger: KeepsRuns) -> None:
        self.ledger = ledger
        self.all: list[MemoryBatch] = []

    def standing(self, opened: Pass) -> Standing:
        """The batches that are not over, and how far items were planned."""
        ours = [each for each in self.all if each.is_of(opened)]
        return Standing(
            tuple(each.batch for each in ours if each.is_unread),
            ours[-1].reached if ours else None,
            bool(ours) and ours[-1].is_all,
            len(set(self._again(opened))),
        )

    def tried(self, opened: Pass, digests: Collection[str]) -> dict[str, Tried]:
        """What these items met in the batches of this pass, those of its other shards too."""
        found = self._met(opened.id, digests)
        for digest in self._in_flight_elsewhere(opened) & set(digests):
            found[digest] = replace(found.get(digest, Tried()), in_flight=True)
        return found

    def _in_flight_elsewhere(self, opened: Pass) -> set[str]:
        fingerprint = self.ledger.runs[opened.run].pass_of(opened).request.fingerprint
        return {
            digest
            for each in self.all
            if each.opened.run == opened.run and each.opened.id != opened.id and each.is_unread
            if each.batch.fingerprint == fingerprint
            for digest, answer in each.answers.items()
            if answer is None
        }

    def _request(self, kept: MemoryBatch) -> PassRequest:
        return self.ledger.runs[kept.opened.run].pass_of(kept.opened).request

    def _met(self, pass_id: int, digests: Collection[str]) -> dict[str, Tried]:
        met: dict[str, Tried] = {}
        for each in self.all:
            if each.opened.id == pass_id:
                for digest in each.answers.keys() & set(digests):
                    before = met.get(digest, Tried())
                    met[digest] = _with(before, each.asked[digest], each.answers[digest])
        return met

    def met(self, batch: Batch, digests: Collection[str]) -> dict[str, Tried]:
        """What these items met in the batches of the pass that planned this one."""
        return self._met(batch.pass_id, digests)

    def unread(self, run: str) -> tuple[Batch, ...]:
        """The batches of all passes of a run that are not over, in the order of their plans."""
        ours = [each for each in self.all if each.opened.run == run and each.is_unread]
        return tuple(replace(each.batch, model=self._request(each).model) for each in ours)

    def beside(self, run: str, told: str, now: float) -> Pass | None:
        """The latest pass of a run, with a step of its own that has ended."""
        if run not in self.ledger.runs or not self.ledger.runs[run].passes:
            return None
        kept = self.ledger.runs[run]
        last = kept.passes[-1]
        identity = -1 - len(kept.steps)
        opened = replace(last.opened, holder="beside", shard=None)
        opened = begin_step(kept, opened, last.request.fingerprint, identity)
        end_step(kept, opened, Snooze(0, told), now)
        return opened

    def was_answered(self, opened: Pass) -> bool:
        """Whether anything of the batch of this pass that was read last was answered."""
        read = [each for each in self.all if each.opened.id == opened.id and each.over_at]
        if not read:
            return True
        last = max(read, key=lambda each: (each.over_at or 0.0, each.batch.id))
        return any(each and each.outcome.kind.is_paid for each in last.answers.values())

    def plan(self, opened: Pass, plan: BatchPlan, now: float) -> tuple[Pass, Batch] | Superseded:
        """Store the intent to create a batch, under the fence of the pass."""
        run = self.ledger.runs[opened.run]
        place = run.place_of(opened)
        if not place.is_moved_by(opened):
            holder = run.lease_of(opened).holder or run.holder
            return Superseded() if holder in {None, opened.holder} else Superseded(str(holder))
        opened = replace(opened, version=place.move())
        asked = {request.digest: request for request in plan.requests}
        number = 1 + len(self.all)
        batch = Batch(number, BatchStatus.INTENT, len(asked), now, plan.nonce, held=plan.held)
        request = run.pass_of(opened).request
        batch = replace(batch, pass_id=opened.id, fingerprint=request.fingerprint)
        kept = MemoryBatch(batch, opened, plan.reached, plan.is_all, asked, dict.fromkeys(asked))
        self.all.append(kept)
        self._hold(kept, plan.held)
        step = run.steps.get(opened.step)
        if step is not None:
            step.held = max(0, step.held - plan.held)
        return opened, batch

    def sent(self, batch: Batch, remote: RemoteBatch, now: float) -> Batch:
        """The provider has it, or has ended it; one that is over stays as it is."""
        kept = self._kept(batch)
        is_ended = remote.is_ended or kept.batch.status is BatchStatus.ENDED
        if kept.is_unread and remote.is_ended == is_ended:
            kept.batch = replace(
                kept.batch,
                status=BatchStatus.ENDED if is_ended else BatchStatus.SENT,
                remote_id=remote.id,
                expires_at=remote.expires_at or kept.batch.expires_at,
                polled_at=now,
            )
        return kept.batch

    def lost(self, batch: Batch, now: float) -> None:
        """The provider never got it: its items are free again; nothing when it did."""
        del now
        kept = self._kept(batch)
        if kept.batch.status is BatchStatus.INTENT:
            self._give_up(kept)

    def forget(self, opened: Pass, batch: Batch, now: float) -> int:
        """Nobody will read it: what of it is not answered can have cost so much, and is free."""
        kept = self._kept(batch)
        if not kept.is_unread:
            return 0
        waiting = [digest for digest, answer in kept.answers.items() if answer is None]
        worst = sum(kept.asked[digest].worst or 0 for digest in waiting)
        charge = Charge(uncertain=kept.batch.held or worst)
        self._give_up(kept)
        add_charge(self.ledger.runs[opened.run], opened, charge, now, is_batch=True)
        return charge.uncertain

    def collect(
        self, opened: Pass, fingerprint: str, batch: Batch, answers: Sequence[Answer], now: float
    ) -> list[Answer]:
        """Store results; those that were not there before."""
        kept = self._kept(batch)
        fresh = [answer for answer in answers if kept.store(answer)]
        self.ledger.verdicts.record(fingerprint, paid(fresh))
        charge = charge_of(fresh)
        add_charge(self.ledger.runs[opened.run], opened, charge, now, is_batch=True)
        self._hold(kept, kept.batch.held - charge.cost - charge.uncertain)
        return fresh

    def read(self, batch: Batch, now: float) -> None:
        """All results are read: the batch is over; a request without one is asked again."""
        kept = self._kept(batch)
        if kept.is_unread:
            self._end(kept, BatchStatus.READ)
            kept.over_at = now
            nothing = Outcome[str](OutcomeKind.UNAVAILABLE, detail=UNANSWERED)
            for digest in kept.answers:
                kept.store(Answer(digest, nothing, is_final=False, counts=False))

    def remote_ids(self, since: float) -> frozenset[str]:
        """The batches of all runs that were created since then, and perhaps some from before."""
        known = [each.batch for each in self.all]
        return frozenset(
            each.remote_id
            for each in known
            if each.remote_id and max(each.intended_at, each.polled_at or 0.0) >= since
        )

    def _give_up(self, kept: MemoryBatch) -> None:
        self._end(kept, BatchStatus.LOST)
        kept.answers = {name: answer for name, answer in kept.answers.items() if answer}
        self._look_again(kept)

    def _kept(self, batch: Batch) -> MemoryBatch:
        return self.all[batch.id - 1]

    def _end(self, kept: MemoryBatch, status: BatchStatus) -> None:
        kept.batch = replace(kept.batch, status=status)
        self._hold(kept, 0)

    def _hold(self, kept: MemoryBatch, amount: int) -> None:
        """So much is held for a batch from now on, and never less than nothing."""
        kept.batch = replace(kept.batch, held=max(0, amount))
        self.ledger.runs[kept.opened.run].held_for_batches[kept.opened.id, kept.batch.id] = (
            kept.batch.held
        )

    def _again(self, opened: Pass) -> Iterator[str]:
        """The items that no request waits for or has settled, and that have no verdict."""
        fingerprint = self.ledger.runs[opened.run].pass_of(opened).request.fingerprint
        ours = {digest for each in self.all if each.is_of(opened) for digest in each.answers}
        for digest, met in self.tried(opened, ours).items():
            has_verdict = (digest, fingerprint) in self.ledger.verdicts
            if not (met.in_flight or met.is_final or has_verdict):
                yield digest

    def _look_again(self, lost: MemoryBatch) -> None:
        """Plans from the lost one on reach no further than the plan before it."""
        place = lost.opened.id, shard_number(lost.opened)
        alike = [e for e in self.all if (e.opened.id, shard_number(e.opened)) == place]
        at = alike.index(lost)
        before = alike[at - 1] if at else None
        for each in alike[at:]:
            each.reached = before.reached if before else None
            each.is_all = before.is_all if before else False


def _with(before: Tried, asked: PlannedRequest, answer: Answer | None) -> Tried:
    """What an item met, with a request that is later than those."""
    before = replace(before, worst=asked.worst, body_chars_cut=asked.body_chars_cut)
    if answer is None:
        return replace(before, in_flight=True)
    return replace(
        before,
        attempts=before.attempts + answer.counts,
        is_final=before.is_final or answer.is_final,
        kind=answer.outcome.kind,
        detail=answer.outcome.detail,
    )
