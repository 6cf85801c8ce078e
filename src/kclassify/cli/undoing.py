"""Undoes a run: `kclassify rollback`."""

from __future__ import annotations

import dataclasses
import time

from kclassify.cli.output import say, say_json
from kclassify.cli.wording import plural, shown
from kclassify.config import Settings
from kclassify.store import RollbackReport, rollback, this_holder
from kclassify.wiring import open_stores


def undo(settings: Settings) -> RollbackReport:
    """Put back what the run replaced. Raises `UsageError` and `DatabaseError`."""
    with open_stores(settings) as stores:
        stores.writer.check()
        return rollback(
            stores.ledger,
            stores.writer,
            settings.run.name,
            this_holder(),
            time.time,
            settings.runner.lease_s,
        )


def report_rollback(run: str, report: RollbackReport, *, as_json: bool) -> None:
    """How many rows hold their old label again, and how many were left."""
    if as_json:
        say_json({"run": run, **dataclasses.asdict(report)})
        return
    if report.reverted or report.conflicts:
        say(f"{plural(report.reverted, 'row')} put back in run {shown(run)!r}.")
    else:
        say(f"Nothing to put back: no row holds a label that run {shown(run)!r} wrote.")
    if report.conflicts:
        say(
            f"{plural(report.conflicts, 'row')} left: the label is no longer what the run wrote "
            "(see `kclassify audit`)."
        )
    if report.kept:
        say(f"{plural(report.kept, 'change')} had never been written, for the same reason.")
