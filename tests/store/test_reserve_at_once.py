"""Workers of one run that spend its budget at the same time, each in its own transactions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from kclassify.core.decision import Advance
from kclassify.core.division import Division
from kclassify.core.spending import Charge
from kclassify.core.verdict import Usage
from kclassify.database import Database
from kclassify.ports import Mode
from kclassify.store import SqlLedger
from kclassify.testing.contracts.ledger_material import FINGERPRINT, NOW, divided, open_pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kclassify.ports import Pass

AT_ONCE_S = 60.0
WORKERS = 6
ROUNDS = 12
BUDGET = 20_000


@pytest.fixture
def ledgers(database_url: str) -> Iterator[list[SqlLedger]]:
    """One for each worker, with connections of its own, and one that looks on."""
    made = [SqlLedger(Database(database_url, create=True)) for _ in range(WORKERS + 1)]
    yield made
    for ledger in made:
        ledger.close()


def shards(ledger: SqlLedger) -> list[Pass]:
    """What workers hold of a pass that is cut into as many parts."""
    parts = Division(tuple(range(1, WORKERS)), (1,) * WORKERS)
    first = divided(ledger, division=parts)
    others = [open_pass(ledger, Mode.DRY_RUN, holder=f"w{n}") for n in range(1, WORKERS)]
    return [first, *others]


def spend(ledger: SqlLedger, opened: Pass, barrier: Barrier, seed: int) -> int:
    """Ask, and pay for calls of up to what is held, until there is no more; what was paid."""
    rng, paid = Random(seed), 0
    barrier.wait(AT_ONCE_S)
    for _ in range(ROUNDS):
        held = ledger.reserve(opened, BUDGET, rng.randint(1, BUDGET // 20), NOW).held
        while held > 0 and rng.random() < 0.7:
            cost = rng.randint(1, held)
            uncertain = rng.randint(0, held - cost)
            charge = Charge(1, 0.1, Usage(1), cost, 0, uncertain)
            ledger.record(FINGERPRINT, [], NOW, opened=opened, charge=charge)
            held, paid = held - cost - uncertain, paid + cost
    if seed % 2:
        ledger.close_step(opened, Advance(None), NOW)
    return paid


@pytest.mark.parametrize("seed", [100, 200])
def test_workers_that_spend_at_once_never_exceed_the_budget(
    ledgers: list[SqlLedger], seed: int
) -> None:
    watching, barrier = ledgers[-1], Barrier(WORKERS)
    workers = list(zip(ledgers, shards(ledgers[0]), strict=False))
    with ThreadPoolExecutor(WORKERS) as pool:
        spending = [
            pool.submit(spend, ledger, opened, barrier, seed + number)
            for number, (ledger, opened) in enumerate(workers)
        ]
        while not all(done.done() for done in spending):
            assert watching.spending("r").most <= BUDGET
        paid = [done.result(AT_ONCE_S) for done in spending]
    told = watching.spending("r")
    assert told.charge.cost == sum(paid)
    assert told.most <= BUDGET


def test_of_workers_that_ask_at_once_for_all_of_it_one_gets_it(ledgers: list[SqlLedger]) -> None:
    workers = list(zip(ledgers, shards(ledgers[0]), [0] * WORKERS, strict=False))
    for budget in range(BUDGET, BUDGET * 6, BUDGET):
        barrier = Barrier(WORKERS)

        def ask(ledger: SqlLedger, opened: Pass, has: int, most: int, at_once: Barrier) -> int:
            at_once.wait(AT_ONCE_S)
            return ledger.reserve(opened, most, has + BUDGET, NOW).held

        with ThreadPoolExecutor(WORKERS) as pool:
            asked = [pool.submit(ask, *each, budget, barrier) for each in workers]
            now_held = [done.result(AT_ONCE_S) for done in asked]
        granted = sorted(now - has for now, (_, _, has) in zip(now_held, workers, strict=True))
        assert granted == [0] * (WORKERS - 1) + [BUDGET]
        workers = [(*each[:2], now) for each, now in zip(workers, now_held, strict=True)]
    assert ledgers[-1].spending("r").most == BUDGET * 5
