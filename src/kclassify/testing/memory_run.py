"""A run and its passes as the memory ledger keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kclassify.core.availability import Breaker
from kclassify.core.canary import WrittenRow
from kclassify.core.decision import Decision
from kclassify.core.item import encode_key
from kclassify.core.shared_breaker import merged
from kclassify.core.states import RESUMABLE, UNDONE, ChangeStatus, PassStatus
from kclassify.ports import Checkpoint, Mode, Pass, PassRequest, Recorded
from kclassify.store.reasons import together
from kclassify.store.settlement import Audited, Final, Transition, moved, tally


@dataclass(slots=True)
class MemoryPass:
    """A pass as the memory ledger keeps it. `outcomes` are by encoded key."""

    opened: Pass
    request: PassRequest
    version_at_open: int = 1
    status: PassStatus = PassStatus.OPEN
    outcomes: dict[str, Final] = field(default_factory=dict[str, Final])
    tallies: Counter[Transition] = field(default_factory=Counter[Transition])
    last_decision: Decision | None = None

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

    def store(self, checkpoint: Checkpoint, items: Sequence[Final], breaker: Breaker) -> Recorded:
        """Take settled items in, and the state of the run after them."""
        self.outcomes |= {encode_key(item.settled.item_key): item for item in items}
        self.tallies += tally(items)
        self.opened = replace(
            moved(self.opened, checkpoint.settled, checkpoint.cursor),
            version=self.opened.version + 1,
            breaker=breaker,
            suspects=checkpoint.suspects,
        )
        return Recorded(self.opened, [item.action for item in items])


@dataclass(slots=True)
class MemoryRun:
    """A run as the memory ledger keeps it.

    `audit` is by idempotency key, `openings` counts how often a worker took the lease.
    """

    passes: list[MemoryPass] = field(default_factory=list[MemoryPass])
    audit: dict[str, Audited] = field(default_factory=dict[str, Audited])
    holder: str | None = None
    expires_at: float = 0.0
    openings: int = 0
    breaker: Breaker = field(default_factory=Breaker)

    def store(
        self, row: MemoryPass, opened: Pass, checkpoint: Checkpoint, items: Sequence[Final]
    ) -> Recorded:
        """Take settled items in, and what the worker knows of an outage."""
        self.breaker = merged(opened.breaker, checkpoint.breaker, self.breaker)
        return row.store(checkpoint, items, self.breaker)

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

    def resumable(self) -> list[MemoryPass]:
        """The passes that are not done."""
        return [row for row in self.passes if row.status in RESUMABLE]


def _is_told(row: MemoryPass, known: Audited, settled: Final | None) -> bool:
    if known.status in UNDONE:
        return settled is not None
    is_certain = settled is not None or row.status not in RESUMABLE
    return known.status is ChangeStatus.WRITTEN and is_certain
