"""How a worker takes a lease of a memory ledger, and which pass or shard it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kclassify.core.decision import Advance, Decision, Done, Halt, Pause, Superseded
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.errors import UsageError
from kclassify.ports import Pass, PassRequest
from kclassify.testing.memory_place import MemoryShard
from kclassify.testing.memory_run import MemoryPass, MemoryRun


@dataclass(frozen=True, slots=True)
class Opening:
    """A worker that asks a run for work. `next_id` is that of a pass that begins.

    Times are Unix seconds.
    """

    run: MemoryRun
    request: PassRequest
    holder: str
    now: float
    expires_at: float
    next_id: int

    def find(self) -> Pass | Decision:
        """The pass or the shard to work on, leased to this worker, or why there is none."""
        row = self._latest()
        other = self._instead_of(row)
        if other is not None:
            return other
        if row is not None and row.shards and row.is_for(self.request):
            return self._shard(row)
        rival = self._rival(None)
        return self._whole(row) if rival is None else Superseded(rival)

    def _latest(self) -> MemoryPass | None:
        mode = self.request.mode
        found = [row for row in self.run.resumable() if row.opened.mode is mode]
        return found[-1] if found else None

    def _instead_of(self, row: MemoryPass | None) -> Decision | None:
        number = self.request.number
        if number is None:
            return None
        if row is not None and row.opened.number == number:
            return None if row.is_for(self.request) else Halt(_changed(self.request, number))
        wanted = [each for each in self.run.passes if each.opened.number == number]
        is_done = bool(wanted) and wanted[0].status is PassStatus.DONE
        return Done() if is_done else Superseded(f"the end of pass {number}")

    def _rival(self, but: MemoryPass | None) -> str | None:
        """Who has the run or a shard of it, but for those of one pass."""
        shards = [each for row in self.run.passes if row is not but for each in row.shards]
        leases: list[MemoryRun | MemoryShard] = [self.run, *shards]
        return next((str(each.holder) for each in leases if self._is_held(each)), None)

    def _is_held(self, lease: MemoryRun | MemoryShard) -> bool:
        is_ours = lease.holder in {None, self.holder}
        return not is_ours and lease.expires_at > self.now

    def _whole(self, row: MemoryPass | None) -> Pass:
        self._take(self.run)
        self._fence_off(None)
        if row is not None and row.is_for(self.request):
            return self._resume(row)
        if row is not None:
            row.abandon()
        return self._start()

    def _take(self, lease: MemoryRun | MemoryShard) -> None:
        lease.holder, lease.expires_at = self.holder, self.expires_at
        self.run.openings += 1

    def _fence_off(self, but: MemoryPass | None) -> None:
        for row in self.run.resumable():
            if row is not but:
                for place in row.places:
                    place.fence_off()

    def _resume(self, row: MemoryPass) -> Pass:
        limit = row.recent_limit(self.now)
        self._renew(row)
        row.next_step_at = self.now
        resumed = row.opened.settled > 0 or self.run.breaker.snoozes > 0
        row.opened = replace(
            row.opened,
            holder=self.holder,
            resumed=resumed,
            breaker=self.run.breaker,
            limit=limit,
            wanted_parts=row.wanted_parts,
        )
        return row.opened

    def _renew(self, row: MemoryPass) -> None:
        row.status, row.updated_at = PassStatus.OPEN, self.now
        row.renew(self.request)

    def _start(self) -> Pass:
        request, number = self.request, 1 + len(self.run.passes)
        opened = Pass(self.next_id, request.run, request.mode, number, 1, self.holder)
        opened = replace(opened, breaker=self.run.breaker)
        row = MemoryPass(opened, request, updated_at=self.now, next_step_at=self.now)
        self.run.passes.append(row)
        return opened

    def _shard(self, row: MemoryPass) -> Pass | Decision:
        rival = self._rival(row)
        if rival is not None:
            return Superseded(rival)
        chosen = self._choose(row)
        if not isinstance(chosen, MemoryShard):
            return chosen
        self._take(chosen)
        chosen.fence_off()
        chosen.status, chosen.next_step_at = PassStatus.OPEN, self.now
        self._fence_off(row)
        self._renew(row)
        chosen.opened = replace(
            chosen.opened,
            holder=self.holder,
            resumed=True,
            breaker=self.run.breaker,
            limit=chosen.recent_limit(self.now),
            wanted_parts=chosen.wanted_parts,
            elsewhere=row.settled - chosen.opened.settled,
        )
        return chosen.opened

    def _choose(self, row: MemoryPass) -> MemoryShard | Decision:
        shards, number = row.shards, self.request.shard
        unfinished = [each for each in shards if each.status in RESUMABLE]
        if number is not None:
            if not 1 <= number <= len(shards):
                raise UsageError(_no_such_shard(row, self.request, number))
            wanted = shards[number - 1]
            if wanted not in unfinished:
                return Advance(wanted.opened.cursor, Pause.SHARD)
            unfinished = [wanted]
        return self._first_free(unfinished)

    def _first_free(self, shards: Sequence[MemoryShard]) -> MemoryShard | Decision:
        free = [each for each in shards if not self._is_held(each)]
        return free[0] if free else Superseded(str(shards[0].holder))


def _changed(request: PassRequest, number: int) -> str:
    return (
        f"the classifier or the source of run {request.run!r} is another than when pass "
        f"{number} began: start it again, or undo that change"
    )


def _no_such_shard(row: MemoryPass, request: PassRequest, number: int) -> str:
    return (
        f"pass {row.opened.number} of run {request.run!r} has no shard {number}: "
        f"it has 1 to {len(row.shards)}"
    )
