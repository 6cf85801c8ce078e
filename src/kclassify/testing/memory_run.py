"""A run, its passes and their shards as the memory ledger keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kclassify.core.availability import Breaker
from kclassify.core.canary import WrittenRow
from kclassify.core.decision import Superseded
from kclassify.core.item import Key, encode_key
from kclassify.core.shared_breaker import merged
from kclassify.core.states import RESUMABLE, UNDONE, ChangeStatus, PassStatus
from kclassify.errors import SourceError
from kclassify.ports import (
    Checkpoint,
    Evaluated,
    Mode,
    Pass,
    PassRequest,
    Receipt,
    Recorded,
    Write,
)
from kclassify.store.places import shard_number
from kclassify.store.reasons import together
from kclassify.store.settlement import Audited, Final, Transition, met_twice, status_of, transition
from kclassify.testing.memory_place import MemoryPlace, MemoryShard
from kclassify.testing.memory_step import MemoryStep


@dataclass(slots=True)
class MemoryPass(MemoryPlace):
    """A pass as the memory ledger keeps it. `outcomes` are by encoded key, of all shards."""

    request: PassRequest
    outcomes: dict[str, Final] = field(default_factory=dict[str, Final])
    tallies: Counter[Transition] = field(default_factory=Counter[Transition])
    shards: list[MemoryShard] = field(default_factory=list[MemoryShard])

    @property
    def settled(self) -> int:
        """How many items are behind its cursor, or those of its shards."""
        return self.opened.settled + sum(each.opened.settled for each in self.shards)

    @property
    def places(self) -> list[MemoryPlace]:
        """Where its workers are: the pass itself and its shards."""
        return [self, *self.shards]

    def is_for(self, request: PassRequest) -> bool:
        """Whether the request can go on with this pass."""
        ours = self.request.fingerprint, self.request.source
        return ours == (request.fingerprint, request.source)

    def renew(self, request: PassRequest) -> None:
        """Go on with it, for the reasons of before and those that are given now."""
        self.request = replace(
            request,
            override=together(self.request.override, request.override),
            gate=together(self.request.gate, request.gate),
            gate_refusal=together(self.request.gate_refusal, request.gate_refusal),
        )

    def abandon(self) -> None:
        """Nobody goes on with it, nor with a shard of it."""
        for place in self.places:
            if place.status in RESUMABLE:
                place.status, place.next_step_at = PassStatus.ABANDONED, None

    def refuse_second(self, items: Sequence[Final]) -> None:
        """Raise `SourceError` for an item that is settled already."""
        if self.outcomes.keys() & {encode_key(item.settled.item_key) for item in items}:
            raise SourceError(met_twice(self.opened))

    def evaluated(self, keys: Collection[Key]) -> dict[Key, Evaluated]:
        """What it settled of these items, as far as it met them."""
        found = {key: self.outcomes.get(encode_key(key)) for key in keys}
        return {key: _evaluated(final) for key, final in found.items() if final is not None}

    def take_in(self, items: Sequence[Final]) -> None:
        """Keep what became of these items."""
        self.outcomes |= {encode_key(item.settled.item_key): item for item in items}
        self.tallies += Counter(map(transition, items))


@dataclass(slots=True)
class MemoryRun:
    """A run as the memory ledger keeps it.

    `audit` is by idempotency key, and `shard_of` says which shard wrote that; `openings` counts how
    often a worker took the lease. `steps` are by their numbers, `held_for_batches` by those of
    their passes and batches: nanodollars.
    """

    passes: list[MemoryPass] = field(default_factory=list[MemoryPass])
    audit: dict[str, Audited] = field(default_factory=dict[str, Audited])
    shard_of: dict[str, int] = field(default_factory=dict[str, int])
    holder: str | None = None
    expires_at: float = 0.0
    openings: int = 0
    breaker: Breaker = field(default_factory=Breaker)
    steps: dict[int, MemoryStep] = field(default_factory=dict[int, MemoryStep])
    held_for_batches: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])

    def pass_of(self, opened: Pass) -> MemoryPass:
        """The pass that a worker has."""
        return next(row for row in self.passes if row.opened.id == opened.id)

    def place_of(self, opened: Pass) -> MemoryPlace:
        """Where a worker is: in a pass in one piece, or in a shard."""
        row = self.pass_of(opened)
        if opened.shard is None:
            return row
        return row.shards[opened.shard.number - 1]

    def lease_of(self, opened: Pass) -> MemoryRun | MemoryShard:
        """What keeps the lease of a worker: the run, or its shard."""
        place = self.place_of(opened)
        return place if isinstance(place, MemoryShard) else self

    def release(self, opened: Pass) -> None:
        """Let a worker's lease go, where it still holds it."""
        lease = self.lease_of(opened)
        if lease.holder == opened.holder:
            lease.holder, lease.expires_at = None, 0.0

    def superseded(self, opened: Pass) -> Superseded:
        """Who took over from a worker."""
        holder = self.lease_of(opened).holder or self.holder
        return Superseded() if holder in {None, opened.holder} else Superseded(str(holder))

    def audited(self, opened: Pass, identities: Sequence[str]) -> dict[str, Audited]:
        """What the audit knows of writes in this pass, by their idempotency keys."""
        if opened.mode is Mode.DRY_RUN:
            return {}
        return {key: self.audit[key] for key in identities if key in self.audit}

    def intend(self, opened: Pass, writes: Sequence[Write]) -> None:
        """Audit what is about to be written by an external writer."""
        for write in writes:
            self.audit[write.idempotency_key] = Audited(write.change, ChangeStatus.INTENT)
            self.shard_of.setdefault(write.idempotency_key, shard_number(opened))

    def is_for(self, opened: Pass, identity: str) -> bool:
        """Whether a write on its way is this worker's to try again, by its idempotency key.

        Not that of another shard of its pass; those from before it was cut are for the first.
        """
        number = int(identity.split(":")[1])
        if opened.shard is None or number != opened.number:
            return True
        wrote = self.shard_of.get(identity, 0)
        return wrote == opened.shard.number or (wrote == 0 and opened.shard.number == 1)

    def store(
        self, opened: Pass, checkpoint: Checkpoint, items: Sequence[Final], now: float
    ) -> Recorded:
        """Take settled items in, the state of the worker and what it knows of an outage."""
        self.pass_of(opened).take_in(items)
        self.breaker = merged(opened.breaker, checkpoint.breaker, self.breaker)
        at = self.place_of(opened).store(opened, checkpoint, self.breaker, now)
        return Recorded(at, [item.action for item in items])

    def written(self) -> list[WrittenRow]:
        """The rows that were written, but for those not settled yet."""
        done = [
            row.opened.number
            for row in self.passes
            if row.opened.mode is Mode.COMMIT and row.status is PassStatus.DONE
        ]
        rows: list[WrittenRow] = []
        for identity, known in self.audit.items():
            row = self.passes[int(identity.split(":")[1]) - 1]
            settled = row.outcomes.get(encode_key(known.change.key))
            if not _is_told(row, known, settled):
                continue
            written = WrittenRow(
                str(known.change.key),
                known.change.after,
                None if settled is None else settled.settled.item_digest,
                finished=row.opened.number <= max(done, default=0),
                reverted=known.status in UNDONE,
                gates=tuple((row.request.gate or "").splitlines()),
            )
            rows.append(written)
        return rows

    def renew(self, request: PassRequest) -> int | None:
        """The number of the unfinished pass that the request is for, for its reasons too now."""
        found = [row for row in self.resumable() if row.opened.mode is request.mode]
        if not found or not found[-1].is_for(request):
            return None
        found[-1].renew(request)
        return found[-1].opened.number

    def resumable(self) -> list[MemoryPass]:
        """The passes that are not done."""
        return [row for row in self.passes if row.status in RESUMABLE]


def with_results(
    audited: Mapping[str, Audited], results: Iterable[tuple[Write, Receipt]]
) -> dict[str, Audited]:
    """The audit after these writes."""
    news = {w.idempotency_key: Audited(w.change, status_of(receipt)) for w, receipt in results}
    return {**audited, **news}


def _is_told(row: MemoryPass, known: Audited, settled: Final | None) -> bool:
    if known.status in UNDONE:
        return settled is not None
    is_certain = settled is not None or row.status not in RESUMABLE
    return known.status is ChangeStatus.WRITTEN and is_certain


def _evaluated(final: Final) -> Evaluated:
    verdict = final.settled.outcome.verdict
    label = None if verdict is None else str(verdict.label)
    confidence = None if verdict is None else verdict.confidence
    return Evaluated(final.settled.item_digest, final.before, label, confidence)
