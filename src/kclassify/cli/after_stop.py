"""After a run was stopped: its batches go on at the provider, unless somebody has them ended."""

from __future__ import annotations

import sys

import typer

from kclassify.cli.batch_course import many
from kclassify.cli.canceling import cancel_all, warn_of_unsure
from kclassify.cli.ledger_access import batches_at_provider, ledger_reader
from kclassify.cli.output import warn
from kclassify.cli.running import Result
from kclassify.cli.wording import shown, verb
from kclassify.config import Settings
from kclassify.core.batch import BatchStatus
from kclassify.core.decision import Advance, Pause


def see_to_batches(settings: Settings, result: Result, model: str | None) -> None:
    """Of a run that was stopped: ask on a terminal whether to cancel its batches, else say how."""
    if settings.classifier.transport != "batch" or not _is_stopped(result):
        return
    with ledger_reader(settings) as reader:
        found = batches_at_provider(reader, settings.run.name)
    warn_of_unsure(found)
    flying = [each for each in found if each.status is BatchStatus.SENT]
    if not flying:
        return
    go_on = f"{many(len(flying))} {verb(len(flying), 'goes', 'go')} on at the provider"
    if not sys.stdin.isatty():
        warn(f"{go_on}: `kclassify batches --cancel` ends {verb(len(flying), 'it', 'them')}")
    elif typer.confirm(f"{go_on}. Cancel?", default=False, err=True):
        for name, problem in cancel_all(settings, flying, model).items():
            warn(f"{shown(name)}: {'canceled' if problem is None else shown(problem)}")


def _is_stopped(result: Result) -> bool:
    return isinstance(result.decision, Advance) and result.decision.pause is Pause.STOPPED
