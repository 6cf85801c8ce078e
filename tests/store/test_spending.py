"""What the ledger in a database tells of spending, and what it does when a transaction fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kclassify.core.decision import Advance, Done
from kclassify.core.spending import Charge, Spending
from kclassify.core.verdict import Usage
from kclassify.errors import DatabaseError, UsageError
from kclassify.ports import Mode
from kclassify.store import LedgerReader, SqlLedger
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    USAGE,
    digest,
    open_pass,
    same,
    save,
    three_workers,
    verdict_of,
)
from kclassify.testing.contracts.ledger_spending import charge, pay

if TYPE_CHECKING:
    from kclassify.core.verdict import Outcome
    from kclassify.database import Database

DRY = Mode.DRY_RUN
TOO_MANY = Usage(2**63)
"""More than a column holds."""


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


@pytest.fixture
def reader(database: Database) -> LedgerReader:
    return LedgerReader(database)


@pytest.mark.parametrize(
    ("said", "came_to"),
    [
        (verdict_of(), charge(5, usage=TOO_MANY)),
        (replace(verdict_of(), usage=TOO_MANY), charge(5)),
    ],
    ids=["charge", "verdict"],
)
def test_a_record_that_fails_stores_neither_verdict_nor_charge(
    ledger: SqlLedger, said: Outcome[str], came_to: Charge
) -> None:
    opened = open_pass(ledger)
    ledger.reserve(opened, 100, 50, NOW)
    with pytest.raises((DatabaseError, OverflowError)):
        ledger.record(FINGERPRINT, [(digest(1), said)], NOW, opened=opened, charge=came_to)
    assert ledger.recall([digest(1)], FINGERPRINT) == {}
    assert ledger.spending("r") == Spending(held=50)


def test_a_worker_that_is_known_to_be_dead_is_not_waited_for(database: Database) -> None:
    dead: set[str] = set()
    ledger = SqlLedger(database, is_alive=lambda holder: holder not in dead)
    first, second, _ = three_workers(ledger)
    ledger.reserve(first, 100, 60, NOW)
    assert ledger.reserve(second, 100, 60, NOW).others
    dead.add("one")
    assert not ledger.reserve(second, 100, 60, NOW).others


def test_a_pass_and_its_run_tell_what_they_have_spent(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    opened = open_pass(ledger, DRY)
    pay(ledger, opened, 5, 2)
    ledger.close_step(save(ledger, opened, [same(1)]).opened, Done(), NOW)
    pay(ledger, open_pass(ledger, DRY), 7)
    again = open_pass(ledger, DRY)
    ledger.reserve(again, 100, 30, NOW)
    report = reader.status("r")
    assert [each.steps for each in report.passes] == [1, 2]
    assert report.passes[0].spending == Spending(charge(5, 2))
    assert report.passes[1].spending == Spending(charge(7), 30)
    assert report.spending == ledger.spending("r") == Spending(charge(5, 2) + charge(7), 30)


def test_the_usage_of_a_pass_is_that_of_its_steps_and_counts_what_gave_no_verdict(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    opened = open_pass(ledger, DRY)
    ledger.record(FINGERPRINT, [(digest(1), verdict_of())], NOW)
    assert reader.status("r").passes[0].usage == USAGE
    pay(ledger, opened, 5)
    pay(ledger, opened, 5)
    assert reader.status("r").passes[0].usage == USAGE + USAGE


def test_each_step_of_a_pass_tells_what_it_came_to(ledger: SqlLedger, reader: LedgerReader) -> None:
    whole = open_pass(ledger, DRY, now=NOW)
    pay(ledger, whole, 5, now=NOW + 1)
    ledger.close_step(whole, Advance(None), NOW + 2)
    first, second, _ = three_workers(ledger, DRY)
    ledger.reserve(second, 100, 30, NOW)
    ledger.close_step(first, Done(), NOW + 3)
    told = reader.steps("r", 1)
    assert [(each.number, each.shard, each.holder) for each in told] == [
        (1, 0, "one"),
        (2, 1, "one"),
        (3, 2, "two"),
        (4, 3, "three"),
    ]
    assert [each.charge for each in told[:2]] == [charge(5), Charge()]
    assert (told[0].began_at, told[0].last_call_at, told[0].ended_at) == (NOW, NOW + 1, NOW + 2)
    assert [each.decision for each in told] == [
        "paused: the time of this step is spent",
        "done",
        None,
        None,
    ]
    assert [each.held for each in told] == [0, 0, 30, 0]
    assert (told[0].model, told[0].fingerprint) == ("m", FINGERPRINT)


def test_a_step_tells_how_it_ended_first(ledger: SqlLedger, reader: LedgerReader) -> None:
    opened = open_pass(ledger, DRY)
    open_pass(ledger, DRY, holder="two", now=NOW + LEASE_S)
    ledger.close_step(opened, Advance(None), NOW + 1)
    ledger.close_step(opened, Done(), NOW + 2)
    told = reader.steps("r", 1)[0]
    assert (told.decision, told.ended_at) == ("paused: the time of this step is spent", NOW + 1)


def test_a_pass_that_is_not_there_has_no_steps_and_a_run_that_is_not_there_is_an_error(
    ledger: SqlLedger, reader: LedgerReader
) -> None:
    open_pass(ledger)
    assert reader.steps("r", 2) == ()
    with pytest.raises(UsageError, match="no run named 'x'"):
        reader.steps("x", 1)
