"""What a memory ledger does with shards: cuts them, ends them and shares calls among them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kclassify.core.division import Division
from kclassify.core.item import Key
from kclassify.core.shared_concurrency import Grant, Share, share
from kclassify.core.states import RESUMABLE, PassStatus
from kclassify.errors import UsageError
from kclassify.ports import Mode, Pass, Shard
from kclassify.store.grants import LINGER_S
from kclassify.store.runs import no_such_run
from kclassify.testing.memory_place import MemoryPlace, MemoryShard
from kclassify.testing.memory_run import MemoryPass, MemoryRun


@dataclass(frozen=True, slots=True)
class Cut:
    """A worker that cuts its pass or shard, whose fence it holds. Times are Unix seconds."""

    row: MemoryPass
    place: MemoryPlace
    opened: Pass
    now: float
    expires_at: float

    def make(self, division: Division) -> Pass:
        """What stays with the worker; the other parts wait for others."""
        opened = replace(self.opened, version=self.place.move(), wanted_parts=1)
        self.place.wanted_parts = 1
        if not division.bounds:
            return opened
        shard = opened.shard
        begins = [None if shard is None else shard.after, *division.bounds]
        ends = [*division.bounds, None if shard is None else shard.until]
        first = division.bounds[0]
        stays = self._shorten(opened, first) if shard else self._begin(opened, first)
        for after, until in list(zip(begins, ends, strict=True))[1:]:
            self._add(Pass(opened.id, opened.run, opened.mode, opened.number, 1, ""), after, until)
        return stays

    def _begin(self, opened: Pass, until: Key) -> Pass:
        """What a pass in one piece becomes: its cursor and its lease go to shard 1."""
        self.row.opened = replace(self.row.opened, cursor=None, settled=0, suspects=())
        self.row.version_at_open, self.row.next_step_at = opened.version, None
        added = self._add(replace(opened, version=1), None, until)
        added.holder, added.expires_at = opened.holder, self.expires_at
        return added.opened

    def _shorten(self, opened: Pass, until: Key) -> Pass:
        shard = None if opened.shard is None else replace(opened.shard, until=until)
        self.place.opened = replace(opened, shard=shard, suspects=(), resumed=True)
        return self.place.opened

    def _add(self, opened: Pass, after: Key | None, until: Key | None) -> MemoryShard:
        number = 1 + len(self.row.shards)
        shard = Shard(1000 * opened.id + number, number, after, until)
        opened = replace(opened, shard=shard, suspects=(), resumed=True)
        added = MemoryShard(opened, updated_at=self.now, next_step_at=self.now)
        self.row.shards.append(added)
        return added


def want_parts(
    runs: dict[str, MemoryRun], request: tuple[str, Mode], shard: int | None, into: int
) -> int:
    """Have the next step of an unfinished pass, or shard, cut it; the number of the pass."""
    name, mode = request
    if name not in runs:
        raise no_such_run(name, list(runs))
    found = [row for row in runs[name].resumable() if row.opened.mode is mode]
    if not found:
        raise UsageError(f"run {name!r} has no unfinished {mode}: there is nothing to divide")
    row, number = found[-1], found[-1].opened.number
    if row.shards and shard is None:
        raise UsageError(f"pass {number} of run {name!r} is divided: say which shard to cut")
    if shard is not None and not row.shards:
        raise UsageError(f"pass {number} of run {name!r} has no shards: leave the shard out")
    places = [row] if shard is None else row.shards[shard - 1 : shard]
    wanted = [place for place in places if place.status in RESUMABLE]
    if not wanted:
        raise UsageError(f"pass {number} of run {name!r} has no unfinished shard {shard}")
    wanted[0].wanted_parts = into
    return number


def end_shard(row: MemoryPass, ours: MemoryShard, opened: Pass, now: float) -> bool | None:
    """Whether this shard is the last of its pass; one that is not is done now, its lease ended.

    None when another worker took over.
    """
    if not ours.is_unopened_since(opened) or ours.status is not PassStatus.OPEN:
        return None
    if not any(each.status in RESUMABLE for each in row.shards if each is not ours):
        return True
    ours.status, ours.updated_at, ours.next_step_at = PassStatus.DONE, now, None
    ours.granted, ours.granted_until = 0, 0.0
    if ours.holder == opened.holder:
        ours.holder, ours.expires_at = None, 0.0
    return False


def take_share(
    row: MemoryPass, opened: Pass, asked: tuple[int, int], now: float, ends_at: float
) -> Share:
    """What the worker of a shard may have in flight; `asked` is the total, and what flies now."""
    total, in_flight = asked
    ours = opened.shard
    if ours is None:
        return Share(total, total)
    grants = [
        Grant(number, each.granted)
        for number, each in enumerate(row.shards, 1)
        if each.status in RESUMABLE and (number == ours.number or each.granted_until > now)
    ]
    taken = share(total, ours.number, in_flight, grants)
    shard = row.shards[ours.number - 1]
    if shard.holder == opened.holder:
        shard.granted, shard.granted_until = taken.granted, ends_at
    return taken


def give_back(shard: MemoryShard, now: float) -> None:
    """Nothing of this shard is in flight any more; where it goes on soon, its place is kept."""
    is_due = shard.next_step_at is not None and shard.next_step_at <= now
    shard.granted, shard.granted_until = 0, now + LINGER_S if is_due else 0.0
