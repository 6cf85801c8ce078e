from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, inspect, text

from kclassify.core.availability import Breaker
from kclassify.core.spending import Charge, Hold, Spending
from kclassify.core.states import ChangeStatus
from kclassify.core.verdict import Usage
from kclassify.database import Database
from kclassify.errors import DatabaseError, LedgerVersionError
from kclassify.ports import Pass
from kclassify.store import LedgerReader, SqlLedger
from kclassify.store.migrations import STEPS, migrate, schema_version
from kclassify.store.tables import ledger_metadata
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    USAGE,
    checkpoint_of,
    digest,
    request_of,
)
from kclassify.testing.memory_writer import MemoryWriter

from .articles import run_sql
from .version_1 import create_version_1
from .version_2 import create_version_2

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def add_column(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE kclassify_run ADD COLUMN note TEXT"))


def fill_column(connection: Connection) -> None:
    connection.execute(text("UPDATE kclassify_run SET note = name"))


def break_off(connection: Connection) -> None:
    add_column(connection)
    connection.execute(text("SELECT nothing FROM nowhere"))


def version(database: Database) -> int | None:
    with database.connect() as connection:
        return schema_version(connection)


def columns(database: Database) -> set[str]:
    return {column["name"] for column in inspect(database.engine).get_columns("kclassify_run")}


def _shape(database: Database) -> dict[str, object]:
    """Each table with its columns, keys and indices, whatever their order."""
    inspector = inspect(database.engine)
    return {
        name: (
            {c["name"]: (str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)},
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted(sorted(u["column_names"]) for u in inspector.get_unique_constraints(name)),
            sorted(str(index["name"]) for index in inspector.get_indexes(name)),
        )
        for name in inspector.get_table_names()
        if name.startswith("kclassify_")
    }


def _drop(database: Database) -> None:
    with database.begin() as connection:
        ledger_metadata.drop_all(connection)


def test_a_new_ledger_gets_the_newest_tables(database: Database) -> None:
    assert version(database) is None
    migrate(database)
    migrate(database)
    assert version(database) == 1 + len(STEPS)
    tables = inspect(database.engine).get_table_names()
    assert {name for name in tables if name.startswith("kclassify_")} == set(ledger_metadata.tables)


def test_an_older_ledger_goes_through_each_step_once_and_keeps_its_rows(database: Database) -> None:
    ledger = SqlLedger(database)
    ledger.open(request_of(), "one", NOW, LEASE_S)
    migrate(database, [*STEPS, add_column])
    assert version(database) == 2 + len(STEPS)
    migrate(database, [*STEPS, add_column, fill_column])
    migrate(database, [*STEPS, add_column, fill_column])
    assert version(database) == 3 + len(STEPS)
    assert run_sql(database, "SELECT note FROM kclassify_run")[0][0] == "r"


def test_a_ledger_of_version_1_is_brought_up_to_date_and_keeps_what_it_holds(
    database: Database,
) -> None:
    create_version_1(database, FINGERPRINT, digest(1))
    report = LedgerReader(database).status("r").passes[0]
    assert version(database) == 1 + len(STEPS)
    assert (report.override, report.gate, report.gate_refusal) == ("agreed", None, None)
    assert (report.settled, report.changes) == (1, {ChangeStatus.WRITTEN: 1})
    ledger = SqlLedger(database)
    opened = ledger.open(request_of(gate="a record"), "one", NOW, LEASE_S)
    assert isinstance(opened, Pass)
    assert (opened.number, opened.cursor) == (1, 1)
    assert ledger.recall([digest(1)], FINGERPRINT).keys() == {digest(1)}
    assert ledger.look("s", FINGERPRINT, NOW, sealed=False, verdict="pass") == 1
    assert LedgerReader(database).status("r").passes[0].gate == "a record"


@pytest.mark.parametrize("create", [create_version_1, create_version_2])
def test_the_tables_of_an_older_version_become_those_of_a_new_ledger(
    database: Database, create: Callable[[Database, str, str], None]
) -> None:
    create(database, FINGERPRINT, digest(1))
    migrate(database)
    brought = _shape(database)
    _drop(database)
    migrate(database)
    assert brought == _shape(database)


@pytest.mark.parametrize(
    ("run", "breaker"),
    [
        ("snoozing", Breaker(2, 290.5, 120, 100.5)),
        ("over", Breaker()),
        ("answered since", Breaker()),
        ("gone back to", Breaker(2, 290.5, 120, 100.5)),
        ("r", Breaker()),
    ],
)
def test_an_outage_of_version_2_goes_on_in_the_pass_that_was_worked_on_last(
    database: Database, run: str, breaker: Breaker
) -> None:
    create_version_2(database, FINGERPRINT, digest(1))
    ledger = SqlLedger(database)
    assert ledger.breaker(run) == breaker
    assert version(database) == 1 + len(STEPS)
    opened = ledger.open(request_of(run=run), "one", NOW, LEASE_S)
    assert isinstance(opened, Pass)
    assert opened.breaker == breaker


def test_a_run_of_version_2_can_trip_its_breaker(database: Database) -> None:
    create_version_2(database, FINGERPRINT, digest(1))
    ledger = SqlLedger(database)
    opened = ledger.open(request_of(), "one", NOW, LEASE_S)
    assert isinstance(opened, Pass)
    tripped = opened.breaker.tripped(NOW, 60)
    checkpoint = checkpoint_of([], opened.cursor, tripped)
    ledger.checkpoint(opened, FINGERPRINT, checkpoint, MemoryWriter({}), NOW)
    assert ledger.breaker("r") == tripped
    assert ledger.breaker("snoozing") == Breaker(2, 290.5, 120, 100.5)


@pytest.mark.parametrize("found", [1, 2, 3, 4])
def test_a_run_from_before_costs_were_known_has_spent_nothing_and_is_charged_from_now_on(
    database: Database, found: int
) -> None:
    create_version_1(database, FINGERPRINT, digest(1))
    migrate(database, STEPS[: found - 1])
    ledger, reader = SqlLedger(database), LedgerReader(database)
    before = reader.status("r")
    assert (before.spending, ledger.spending("r")) == (Spending(), Spending())
    assert (before.passes[0].steps, before.passes[0].usage) == (0, Usage(1, 2, 3, 4))
    assert reader.steps("r", 1) == ()
    opened = ledger.open(request_of(), "one", NOW, LEASE_S)
    assert isinstance(opened, Pass)
    assert opened.last_call_at is None
    charge = Charge(1, 0.5, USAGE, 7, 0, 2)
    assert ledger.reserve(opened, 100, 90, NOW) == Hold(90, 10)
    ledger.record(FINGERPRINT, [], NOW, opened=opened, charge=charge)
    assert ledger.spending("r") == Spending(charge, 81)


def test_a_step_that_fails_leaves_the_ledger_as_it_was(database: Database) -> None:
    migrate(database)
    with pytest.raises(DatabaseError):
        migrate(database, [*STEPS, break_off])
    assert version(database) == 1 + len(STEPS)
    assert "note" not in columns(database)


def test_a_newer_ledger_is_refused_with_both_versions(database: Database) -> None:
    migrate(database, [*STEPS, add_column])
    newer, ours = 2 + len(STEPS), 1 + len(STEPS)
    with pytest.raises(LedgerVersionError, match=f"has version {newer}.*knows version {ours}"):
        SqlLedger(database).open(request_of(), "one", NOW, LEASE_S)


def test_threads_that_create_the_ledger_at_once_all_succeed(database_url: str) -> None:
    def create(_: int) -> int | None:
        database = Database(database_url, create=True)
        migrate(database)
        found = version(database)
        database.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(create, range(4))) == {1 + len(STEPS)}


def test_processes_that_create_the_ledger_at_once_all_succeed(
    database_url: str, tmp_path: Path
) -> None:
    program = (
        "import sys\n"
        "from kclassify.database import Database\n"
        "from kclassify.store.migrations import migrate\n"
        "database = Database(sys.argv[1], create=True)\n"
        "sys.stdin.readline()\n"
        "migrate(database)\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, database_url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    told = [worker.communicate("go\n", timeout=60)[1] for worker in workers]
    assert [(worker.returncode, error) for worker, error in zip(workers, told, strict=True)] == [
        (0, "")
    ] * 3
