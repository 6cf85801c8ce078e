"""Gives up the batches of a run that nobody can read any more."""

from __future__ import annotations

import time
from collections.abc import Callable

from kclassify.database import Database
from kclassify.holder import is_alive, this_holder
from kclassify.store import runs
from kclassify.store.batches import SqlBatches

TOLD = "batches were given up"


def give_up_batches(
    database: Database, run: str, *, now: Callable[[], float] = time.time
) -> tuple[int, int]:
    """Give up all that are not over: how many, and the nanodollars that may be on the bill.

    Their items are asked again. Raises `UsageError` for a run that is not there, and for one that a
    worker holds.
    """
    batches = SqlBatches(database)
    with database.begin() as connection:
        runs.find(connection, run)
        row = runs.lock(connection, run)
        rival = runs.rival_of(connection, row, runs.Claim(this_holder(), now(), 0.0, is_alive))
    if rival is not None:
        raise runs.held_by(run, rival)
    unread = batches.unread(run)
    opened = batches.beside(run, TOLD, now()) if unread else None
    if opened is None:
        return 0, 0
    return len(unread), sum(batches.forget(opened, batch, now()) for batch in unread)
