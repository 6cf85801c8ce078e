"""What `status` prints of the shards of a pass."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from kclassify.cli.output import say, say_table
from kclassify.cli.pass_report import key_fact, moment
from kclassify.cli.wording import counts, duration, plural, shown
from kclassify.core.item import Key
from kclassify.core.states import RESUMABLE
from kclassify.holder import described, is_alive
from kclassify.store import PassReport
from kclassify.store.shard_reports import ShardReport

_SHOWN = 20
_HEADINGS = ("shard", "settled", "of", "share", "state", "worker", "next step", "keys")


def say_shards(report: PassReport, *, every: bool) -> None:
    """How far all shards of the pass are together, then each of them unless there are many."""
    shards, now = report.shards, time.time()
    if not shards:
        return
    settled, items = progress(shards)
    at_work = sum(worker(each, now) is not None for each in shards)
    states = counts(Counter(each.status.value for each in shards))
    say()
    say(
        f"{plural(len(shards), 'shard')} ({states}), {plural(at_work, 'worker')}: "
        f"{settled:,} of {items:,} items settled, {_share(settled, items)}"
    )
    if every or len(shards) <= _SHOWN:
        say_table(_HEADINGS, [_row(each, now) for each in shards])
    else:
        _say_troubled(shards, now)


def _say_troubled(shards: Sequence[ShardReport], now: float) -> None:
    """Of many shards those that nobody works on although they are due."""
    waiting = [each for each in shards if worker(each, now) is None and _is_due(each, now)]
    if waiting:
        numbers = ", ".join(str(each.number) for each in waiting[:_SHOWN])
        more = ", …" if len(waiting) > _SHOWN else ""
        say(f"due, and nobody works on {plural(len(waiting), 'shard')}: {numbers}{more}")
    say("`kclassify status --shards` shows each of them")


def progress(shards: Sequence[ShardReport]) -> tuple[int, int]:
    """How many items are settled, and how many there were when they were cut, at least those."""
    settled = sum(each.settled for each in shards)
    return settled, max(settled, sum(each.items for each in shards))


def worker(shard: ShardReport, now: float) -> str | None:
    """The holder of its lease, None where nobody works on it."""
    holder = shard.lease_holder
    if holder is None or shard.lease_expires_at <= now or not is_alive(holder):
        return None
    return holder


def _is_due(shard: ShardReport, now: float) -> bool:
    return shard.next_step_at is not None and shard.next_step_at <= now


def _row(shard: ShardReport, now: float) -> tuple[object, ...]:
    holder = worker(shard, now)
    return (
        shard.number,
        shard.settled,
        max(shard.items, shard.settled),
        _share(shard.settled, max(shard.items, shard.settled)),
        shard.status.value,
        "" if holder is None else described(holder),
        _next_step(shard, now, has_worker=holder is not None),
        _range(shard),
    )


def _next_step(shard: ShardReport, now: float, *, has_worker: bool) -> str:
    due = shard.next_step_at
    if has_worker:
        return "now"
    if due is None:
        stopped = shard.status in RESUMABLE and shard.last_decision
        return f"none: {shown(shard.last_decision)}" if stopped else ""
    return f"in {duration(due - now)}" if due > now else f"due for {duration(now - due)}"


def _range(shard: ShardReport) -> str:
    after = "the first" if shard.after is None else f"after {shown(shard.after)}"
    return f"{after} to {'the last' if shard.until is None else shown(shard.until)}"


def _share(settled: int, items: int) -> str:
    return f"{settled / items:.0%}" if items else "100%"


def shard_facts(report: PassReport) -> list[dict[str, object]]:
    """The shards of a pass as data. Times are ISO 8601 in UTC."""
    now = time.time()
    return [
        {
            "number": each.number,
            "after": _key(each.after),
            "until": _key(each.until),
            "settled": each.settled,
            "items": max(each.items, each.settled),
            "status": each.status.value,
            "cursor": _key(each.cursor),
            "holder": worker(each, now),
            "next_step_at": moment(each.next_step_at),
            "updated_at": moment(each.updated_at),
            "last_decision": each.last_decision,
        }
        for each in report.shards
    ]


def _key(key: Key | None) -> int | str | None:
    return None if key is None else key_fact(key)
