"""Where a worker of a memory ledger is: in a pass in one piece, or in a shard of one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kclassify.core.availability import Breaker
from kclassify.core.decision import Decision
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.ports import Checkpoint, Pass
from kclassify.store.endings import Ending
from kclassify.store.passes import RECENT_S


@dataclass(slots=True)
class MemoryPlace:
    """A fence, a cursor and a state, as the memory ledger keeps them.

    `updated_at` is when its worker was last heard of, `next_step_at` when somebody is to go on with
    it: Unix seconds. `limit` is how many calls ran at once by then.
    """

    opened: Pass
    version_at_open: int = field(default=1, kw_only=True)
    status: PassStatus = field(default=PassStatus.OPEN, kw_only=True)
    last_decision: Decision | None = field(default=None, kw_only=True)
    wanted_parts: int = field(default=1, kw_only=True)
    limit: int | None = field(default=None, kw_only=True)
    updated_at: float = field(default=0.0, kw_only=True)
    next_step_at: float | None = field(default=None, kw_only=True)

    def fence_off(self) -> None:
        """Every worker before is too late from now on."""
        if self.status in RESUMABLE:
            version = self.opened.version + 1
            self.opened, self.version_at_open = replace(self.opened, version=version), version

    def is_moved_by(self, opened: Pass) -> bool:
        """Whether this worker is the one to move it."""
        return self.status is PassStatus.OPEN and self.opened.version == opened.version

    def is_unopened_since(self, opened: Pass) -> bool:
        """Whether nobody opened it since this worker did."""
        return self.version_at_open <= opened.version

    def move(self) -> int:
        """Pass the fence; the version from now on."""
        self.opened = replace(self.opened, version=self.opened.version + 1)
        return self.opened.version

    def recent_limit(self, now: float) -> int | None:
        """How many calls ran at once, where that is not long ago."""
        return self.limit if 0 <= now - self.updated_at <= RECENT_S else None

    def store(self, opened: Pass, checkpoint: Checkpoint, breaker: Breaker, now: float) -> Pass:
        """Keep the state of a worker, as it is after this checkpoint."""
        self.opened = replace(
            opened,
            version=self.move(),
            cursor=checkpoint.cursor,
            settled=opened.settled + len(checkpoint.settled),
            breaker=breaker,
            suspects=checkpoint.suspects,
        )
        self.limit, self.updated_at = checkpoint.limit, now
        return self.opened

    def end(self, decision: Decision, now: float) -> None:
        """Keep how a step ended."""
        ending = Ending.of(decision, now)
        self.status, self.last_decision = ending.status, decision
        self.updated_at, self.next_step_at = now, ending.next_step_at


@dataclass(slots=True)
class MemoryShard(MemoryPlace):
    """A shard: it has a lease, and calls that its worker may have in flight until a time."""

    holder: str | None = None
    expires_at: float = 0.0
    granted: int = 0
    granted_until: float = 0.0
