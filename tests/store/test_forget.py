from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from kclassify.core.decision import Advance, Done
from kclassify.core.states import PassStatus
from kclassify.core.verdict import OutcomeKind
from kclassify.errors import UsageError
from kclassify.ports import Mode
from kclassify.store import LedgerReader, SqlLedger, forget_failures
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    digest,
    failure,
    open_pass,
    same,
    save,
)
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from kclassify.core.item import Key
    from kclassify.database import Database
    from kclassify.ports import Settled

ID = UUID("6f9c0b1e-8a3f-4c58-9d6c-2f2d3f6e1a10")


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    """With a finished dry run: one item judged, four failed."""
    ledger = SqlLedger(database)
    items = [
        same(1),
        failure(2, OutcomeKind.REFUSED),
        failure("kb", OutcomeKind.TOO_LONG),
        failure(ID, OutcomeKind.TIMED_OUT),
        failure(5, OutcomeKind.EMPTY),
    ]
    opened = save(ledger, open_pass(ledger, Mode.DRY_RUN), items).opened
    ledger.close_step(opened, Done(), NOW)
    return ledger


def remembered(ledger: SqlLedger) -> set[Key]:
    keys: list[Key] = [1, 2, "kb", ID, 5]
    found = ledger.recall([digest(key) for key in keys], FINGERPRINT)
    return {key for key in keys if digest(key) in found}


def test_all_failures_that_a_call_could_mend_are_forgotten(ledger: SqlLedger) -> None:
    assert remembered(ledger) == {1, 2, "kb", ID}
    assert forget_failures(ledger.database, "r") == 3
    assert remembered(ledger) == {1}


def test_of_these_items_only_the_failures_of_this_classifier_are_forgotten(
    ledger: SqlLedger,
) -> None:
    ledger.forget_failures_of("another", [digest(2)])
    assert remembered(ledger) == {1, 2, "kb", ID}
    ledger.forget_failures_of(FINGERPRINT, [digest(1), digest(2)])
    assert remembered(ledger) == {1, "kb", ID}


def test_forgetting_twice_forgets_nothing_more(ledger: SqlLedger) -> None:
    forget_failures(ledger.database, "r")
    assert forget_failures(ledger.database, "r") == 0


def test_failures_are_forgotten_by_kind(ledger: SqlLedger) -> None:
    assert forget_failures(ledger.database, "r", kinds=[OutcomeKind.TIMED_OUT]) == 1
    assert remembered(ledger) == {1, 2, "kb"}
    assert forget_failures(ledger.database, "r", kinds=[OutcomeKind.JUDGED]) == 0
    assert remembered(ledger) == {1, 2, "kb"}


@pytest.mark.parametrize("keys", [[2, ID], ["2", str(ID)]])
def test_failures_are_forgotten_by_key_whatever_its_type(
    ledger: SqlLedger, keys: list[Key]
) -> None:
    assert forget_failures(ledger.database, "r", keys=keys) == 2
    assert remembered(ledger) == {1, "kb"}


@pytest.mark.parametrize("key", [1, 5, "nobody"])
def test_a_key_that_did_not_fail_is_named_and_nothing_is_forgotten(
    ledger: SqlLedger, key: Key
) -> None:
    with pytest.raises(UsageError, match=f"run 'r' has no failed item '{key}'"):
        forget_failures(ledger.database, "r", keys=[2, key])
    assert remembered(ledger) == {1, 2, "kb", ID}


def leave_open(ledger: SqlLedger, mode: Mode, items: list[Settled]) -> None:
    opened = save(ledger, open_pass(ledger, mode), items, MemoryWriter({})).opened
    ledger.close_step(opened, Advance(2), NOW)


def test_the_latest_pass_that_settled_any_counts_as_it_does_for_the_list(
    ledger: SqlLedger,
) -> None:
    refused = failure(2, OutcomeKind.REFUSED)
    recalled = replace(refused, outcome=refused.outcome.as_recalled())
    leave_open(ledger, Mode.COMMIT, [same(1), recalled])
    ledger.close_step(open_pass(ledger, Mode.DRY_RUN), Advance(None), NOW)
    assert [each.key for each in LedgerReader(ledger.database).failures("r")] == [2]
    assert forget_failures(ledger.database, "r") == 1
    assert remembered(ledger) == {1, "kb", ID}


@pytest.mark.parametrize("mode", list(Mode))
def test_an_unfinished_pass_of_the_mode_is_abandoned_for_a_new_one(
    ledger: SqlLedger, mode: Mode
) -> None:
    leave_open(ledger, mode, [failure(2, OutcomeKind.REFUSED)])
    assert forget_failures(ledger.database, "r", mode=mode, now=lambda: NOW + 1) == 1
    first, second = LedgerReader(ledger.database).status("r").passes
    assert (first.status, second.status) == (PassStatus.DONE, PassStatus.ABANDONED)
    assert second.finished_at == NOW + 1
    again = open_pass(ledger, mode)
    assert (again.number, again.cursor) == (3, None)


def test_passes_of_the_other_mode_go_on(ledger: SqlLedger) -> None:
    leave_open(ledger, Mode.COMMIT, [failure(2, OutcomeKind.REFUSED)])
    forget_failures(ledger.database, "r", mode=Mode.DRY_RUN, now=lambda: NOW)
    assert open_pass(ledger, Mode.COMMIT).number == 2


def test_nothing_to_forget_abandons_nothing(ledger: SqlLedger) -> None:
    leave_open(ledger, Mode.DRY_RUN, [same(1)])
    assert forget_failures(ledger.database, "r", mode=Mode.DRY_RUN, now=lambda: NOW) == 0
    assert open_pass(ledger, Mode.DRY_RUN).number == 2


def test_the_pass_of_a_worker_at_work_is_not_abandoned(ledger: SqlLedger) -> None:
    opened = save(ledger, open_pass(ledger, Mode.DRY_RUN), [failure(2, OutcomeKind.REFUSED)]).opened
    with pytest.raises(UsageError, match="run 'r' is held by one: stop it, or wait for it"):
        forget_failures(ledger.database, "r", mode=Mode.DRY_RUN, now=lambda: NOW)
    assert 2 in remembered(ledger)
    assert save(ledger, opened, [same(3)]).opened.settled == 2
    assert forget_failures(ledger.database, "r", mode=Mode.DRY_RUN, now=lambda: NOW + LEASE_S) == 1


def test_the_verdicts_of_another_classifier_stay(ledger: SqlLedger) -> None:
    other = "e" * 64
    ledger.record(other, [(digest(2), failure(2, OutcomeKind.REFUSED).outcome)], NOW)
    forget_failures(ledger.database, "r")
    assert digest(2) in ledger.recall([digest(2)], other)


def test_a_missing_run_is_named(ledger: SqlLedger) -> None:
    with pytest.raises(UsageError, match="no run named 'x': there is r"):
        forget_failures(ledger.database, "x")
