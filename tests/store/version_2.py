"""The tables of a ledger of version 2, and in them runs that met outages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kclassify.store.migrations import STEPS, migrate

from .version_1 import create_version_1

if TYPE_CHECKING:
    from kclassify.database import Database

RUNS = """
INSERT INTO kclassify_run (name, source, created_at, lease_number, lease_expires_at)
    VALUES ('{run}', 'articles', 5, 1, 0)
"""
PASSES = """
INSERT INTO kclassify_pass (
    run_id, number, mode, status, fingerprint, model, source, version, version_at_open, settled,
    snoozes, snooze_until, snooze_seconds, outage_since, started_at, updated_at
) SELECT id, {number}, 'dry-run', '{status}', 'f', 'm', 'articles', 1, 1, 0, {breaker}, 5, {updated}
    FROM kclassify_run WHERE name = '{run}'
"""
A_MINUTE, TWO_MINUTES, NONE = "1, 160.5, 60, 100.5", "2, 290.5, 120, 100.5", "0, 0, 0, NULL"


def create_version_2(database: Database, fingerprint: str, digest: str) -> None:
    """Create the tables, the run of version 1, and one run for each way in which passes end."""
    create_version_1(database, fingerprint, digest)
    migrate(database, STEPS[:1])
    _add_run(database, "snoozing", ("done", NONE, 6), ("open", TWO_MINUTES, 7))
    _add_run(database, "over", ("done", TWO_MINUTES, 6))
    _add_run(database, "answered since", ("halted", A_MINUTE, 6), ("open", NONE, 7))
    _add_run(database, "gone back to", ("open", TWO_MINUTES, 8), ("halted", A_MINUTE, 7))


def _add_run(database: Database, run: str, *passes: tuple[str, str, int]) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(RUNS.format(run=run))
        for number, (status, breaker, updated) in enumerate(passes, 1):
            values = {"number": number, "status": status, "breaker": breaker, "updated": updated}
            connection.exec_driver_sql(PASSES.format(run=run, **values))
