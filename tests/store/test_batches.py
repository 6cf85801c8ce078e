"""Batches in real databases: readers at once, crashes, reports, and how long it takes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from sqlalchemy import event

from kclassify.core.batch import BatchStatus
from kclassify.core.decision import Superseded
from kclassify.store import SqlLedger
from kclassify.store.batch_reports import BatchReport, batch_reports
from kclassify.store.call_tables import requests
from kclassify.store.tables import runs
from kclassify.testing.contracts.batch_material import (
    COST,
    answer,
    collect,
    digests,
    in_flight,
    plan_of,
    planned,
    recalled,
    unanswered,
)
from kclassify.testing.contracts.ledger_material import (
    NOW,
    digest,
    divided,
    open_pass,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from kclassify.database import Database

WORKERS = 4


@pytest.fixture
def ledger(database: Database) -> Iterator[SqlLedger]:
    with closing(SqlLedger(database)) as ledger:
        yield ledger


def reports(ledger: SqlLedger, run: str = "r") -> tuple[BatchReport, ...]:
    with ledger.database.connect() as connection:
        run_id = connection.scalar(sqlalchemy.select(runs.c.id).where(runs.c.name == run))
        return batch_reports(connection, int(run_id or 0))


def test_workers_that_read_the_same_results_at_once_charge_each_of_them_once(
    ledger: SqlLedger, database_url: str
) -> None:
    opened, batch = in_flight(ledger, open_pass(ledger), *range(40), held=40 * COST)
    answers = [answer(key) for key in range(40)]

    def read(worker: int) -> int:
        with closing(SqlLedger(database_url)) as own:
            mine = answers if worker % 2 else list(reversed(answers))
            return sum(collect(own, opened, batch, mine[at : at + 8]) for at in range(0, 40, 8))

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(read, range(WORKERS))) == 40
    spending = ledger.spending("r")
    assert (spending.charge.calls, spending.charge.cost, spending.held) == (40, 40 * COST, 0)


def test_of_workers_that_plan_at_once_one_does(ledger: SqlLedger, database_url: str) -> None:
    opened = open_pass(ledger)

    def plan(key: int) -> bool:
        with closing(SqlLedger(database_url)) as own:
            planned = own.batches.plan(opened, plan_of(key), NOW)
            return not isinstance(planned, Superseded)

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(plan, range(WORKERS))) == 1
    assert len(ledger.batches.standing(open_pass(ledger)).batches) == 1


@pytest.mark.parametrize("table", ["kclassify_verdict", "kclassify_step", "kclassify_batch"])
def test_results_that_fail_to_be_stored_leave_nothing(ledger: SqlLedger, table: str) -> None:
    opened, batch = in_flight(ledger, open_pass(ledger), 1, held=2 * COST)
    with failing_on(ledger, table), pytest.raises(ZeroDivisionError):
        collect(ledger, opened, batch, [answer(1)])
    assert ledger.batches.tried(opened, digests(1))[digest(1)].in_flight
    assert recalled(ledger, 1) is None
    assert ledger.spending("r").charge.calls == 0
    assert collect(ledger, opened, batch, [answer(1)]) == 1


@pytest.mark.parametrize("table", ["kclassify_request", "kclassify_step"])
def test_a_plan_that_fails_to_be_stored_leaves_nothing(ledger: SqlLedger, table: str) -> None:
    opened = open_pass(ledger)
    with failing_on(ledger, table), pytest.raises(ZeroDivisionError):
        planned(ledger, opened, plan_of(1, held=5))
    assert ledger.batches.standing(opened).batches == ()
    assert reports(ledger) == ()
    planned(ledger, opened, plan_of(1, held=5))


@pytest.mark.parametrize("over", ["lost", "read"])
def test_a_batch_whose_end_fails_to_be_stored_is_not_over(ledger: SqlLedger, over: str) -> None:
    opened, batch = planned(ledger, open_pass(ledger), plan_of(1, held=5))
    with failing_on(ledger, "kclassify_request"), pytest.raises(ZeroDivisionError):
        getattr(ledger.batches, over)(batch, NOW)
    assert ledger.batches.standing(opened).batches == (batch,)
    assert ledger.spending("r").held == 5


def test_people_are_told_of_all_batches_of_a_run(ledger: SqlLedger) -> None:
    opened, first = in_flight(ledger, open_pass(ledger), 1, 2, held=9 * COST)
    collect(ledger, opened, first, [answer(1), unanswered(2)])
    ledger.batches.read(first, NOW + 4)
    opened, second = in_flight(ledger, opened, 2, 3, 4, held=9 * COST, name="msgbatch_2")
    collect(ledger, opened, second, [answer(2)])
    anew = open_pass(ledger, fingerprint="e" * 64)
    planned(ledger, anew, plan_of(1, 2))
    in_flight(ledger, open_pass(ledger, run="other"), 1)
    read, sent, intent = reports(ledger)
    assert (read.status, read.requests, read.stored, read.held) == (BatchStatus.READ, 2, 2, 0)
    assert (read.remote_id, read.pass_number, read.over_at) == ("msgbatch_1", 1, NOW + 4)
    assert (sent.status, sent.requests, sent.stored) == (BatchStatus.SENT, 3, 1)
    assert (sent.held, sent.over_at, sent.polled_at) == (8 * COST, None, NOW + 2)
    assert (intent.status, intent.pass_number, intent.stored) == (BatchStatus.INTENT, 2, 0)
    assert (intent.remote_id, intent.intended_at, intent.shard) == (None, NOW, 0)


def test_the_batch_of_a_shard_is_told_with_its_number(ledger: SqlLedger) -> None:
    in_flight(ledger, divided(ledger), 1)
    assert [report.shard for report in reports(ledger)] == [1]


def test_no_text_of_an_item_is_stored(ledger: SqlLedger) -> None:
    in_flight(ledger, open_pass(ledger), 1)
    with ledger.database.connect() as connection:
        row = connection.execute(sqlalchemy.select(requests)).mappings().one()
    assert (row["item_digest"], row["detail"]) == (digest(1), "")


@pytest.mark.slow
def test_ten_thousand_requests_are_planned_and_found_quickly(ledger: SqlLedger) -> None:
    opened = open_pass(ledger)
    plan = plan_of(*range(10_000))
    began = time.perf_counter()
    opened, batch = planned(ledger, opened, plan)
    planned_s = time.perf_counter() - began
    ledger.batches.read(batch, NOW)
    began = time.perf_counter()
    assert ledger.batches.standing(opened).again == 10_000
    standing_s = time.perf_counter() - began
    # Some tenths of a second where nothing else runs: a busy machine is no reason to fail.
    assert planned_s < 5
    assert standing_s < 2


@contextmanager
def failing_on(ledger: SqlLedger, table: str) -> Generator[None]:
    """Statements that change this table fail, within the block."""

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        words = statement.split()
        if words[0] in {"INSERT", "UPDATE", "DELETE"} and table in words[:3]:
            raise ZeroDivisionError(table)

    engine = ledger.database.engine
    event.listen(engine, "before_cursor_execute", fail)
    yield
    event.remove(engine, "before_cursor_execute", fail)
