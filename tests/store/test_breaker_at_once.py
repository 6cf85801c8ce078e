"""Workers of one run that change its breaker at the same time, each in its own transaction.

Today one worker at a time holds a run. Here two do, each with a pass that is not fenced off, as two
shards will.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from kclassify.core.availability import Breaker
from kclassify.database import Database
from kclassify.ports import Mode, Pass, Recorded
from kclassify.store import SqlLedger
from kclassify.store.tables import passes
from kclassify.testing.contracts.ledger_leases import enqueue
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    checkpoint_of,
    open_pass,
    same,
)
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
ROUNDS = 30
AT_ONCE_S = 20.0


@pytest.fixture
def ledgers(database_url: str) -> Iterator[list[SqlLedger]]:
    """Three workers, each with connections of its own."""
    made = [SqlLedger(Database(database_url, create=True)) for _ in range(3)]
    yield made
    for ledger in made:
        ledger.close()


def at_once(*work: Callable[[], object]) -> None:
    """Do all of these in threads of their own, as much at the same time as can be."""
    barrier = Barrier(len(work))

    def begin(act: Callable[[], object]) -> object:
        barrier.wait(AT_ONCE_S)
        return act()

    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(begin, act) for act in work]:
            done.result(AT_ONCE_S)


@dataclass
class Worker:
    """One with a pass that is not fenced off."""

    ledger: SqlLedger
    opened: Pass
    settled: int = 0

    def see(self, breaker: Breaker) -> None:
        """Look at what is stored."""
        self.opened = replace(self.opened, breaker=breaker)

    def hold(self, breaker: Breaker, *, enqueues: bool = False) -> None:
        """Checkpoint one item, and hold this breaker; `enqueues` ends the step with it."""
        self.settled += 1
        checkpoint = checkpoint_of([same(self.settled)], None, breaker)
        on_commit = enqueue if enqueues else None
        recorded = self.ledger.checkpoint(
            self.opened, FINGERPRINT, checkpoint, MemoryWriter({}), NOW, on_commit
        )
        assert isinstance(recorded, Recorded)
        self.opened = recorded.opened


@pytest.fixture
def workers(ledgers: list[SqlLedger]) -> list[Worker]:
    """One of each mode: opening the second fences the first off, which is taken back."""
    opened = [open_pass(ledgers[0], mode) for mode in Mode]
    with ledgers[0].database.begin() as connection:
        query = select(passes.c.id, passes.c.version)
        versions = {row.id: row.version for row in connection.execute(query)}
    live = [replace(each, version=versions[each.id]) for each in opened]
    return [Worker(*pair) for pair in zip(ledgers, live, strict=False)]


def test_of_two_workers_that_trip_at_once_neither_is_lost_and_one_snooze_is_counted(
    ledgers: list[SqlLedger], workers: list[Worker]
) -> None:
    one, two = workers
    watching = ledgers[2]
    for number in range(ROUNDS):
        seen, now, longest = watching.breaker("r"), NOW + 1000 * number, 61 + number % 2
        one.see(seen)
        two.see(seen)
        # A step that ends in its transaction locks the run first: some do, in every combination.
        at_once(
            partial(one.hold, seen.tripped(now, 61), enqueues=number % 3 == 0),
            partial(two.hold, seen.tripped(now, 60 + 2 * (number % 2)), enqueues=number % 4 == 0),
            partial(watching.heartbeat, one.opened, NOW, LEASE_S),
        )
        stored = watching.breaker("r")
        assert (stored.snoozes, stored.until) == (number + 1, now + longest)
        assert stored.outage_since == NOW


def test_a_trip_survives_an_answer_that_another_worker_stores_at_once(
    ledgers: list[SqlLedger], workers: list[Worker]
) -> None:
    one, two = workers
    one.hold(Breaker().tripped(NOW, 60))
    for number in range(1, ROUNDS):
        seen = ledgers[2].breaker("r")
        one.see(seen)
        two.see(seen)
        tripped = seen.tripped(NOW + 1000 * number, 60)
        at_once(partial(one.hold, tripped), partial(two.hold, Breaker()))
        assert ledgers[2].breaker("r") == tripped
