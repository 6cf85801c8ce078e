"""`kclassify batches`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kclassify.cli.exit_status import FAILED
from kclassify.cli.options import (
    ConfigOption,
    JsonOption,
    RunOption,
    TenantOption,
    chosen_settings,
)

if TYPE_CHECKING:
    from kclassify.config import Settings
    from kclassify.store.batch_reports import BatchReport


def batches(
    context: typer.Context,
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="Have the provider end them.")] = False,
    read: Annotated[bool, typer.Option("--read", help="Read those that have ended.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Give up all, where nobody can read them any more.")
    ] = False,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the batches of a run that are at the provider.

    What is answered by the time that a batch is cancelled is paid, and read by the next step.
    """
    from kclassify.cli.batch_report import report_batches
    from kclassify.errors import UsageError

    if cancel + read + forget > 1:
        raise UsageError("give one of --cancel, --read and --forget")
    asking = {"transport": "batch"} if cancel or read else {}
    settings = chosen_settings(context, config, run, tenant, classifier=asking)
    before = _batches(settings)
    is_done, ended = True, dict[str, str | None]()
    if cancel:
        is_done, ended = _cancel(settings, before)
    elif before and read:
        is_done = _read(settings, as_json=as_json)
    elif before and forget:
        _forget(settings, as_json=as_json)
    found = _batches(settings, before) if read or forget else before
    report_batches(settings.run.name, found, ended, as_json=as_json)
    if not is_done:
        raise typer.Exit(FAILED)


def _batches(settings: Settings, before: Sequence[BatchReport] | None = None) -> list[BatchReport]:
    """Those that are not over, or those that were not before, as they are now."""
    from kclassify.cli.ledger_access import batches_at_provider, batches_of_run, ledger_reader

    with ledger_reader(settings) as reader:
        if before is None:
            return batches_at_provider(reader, settings.run.name)
        ids = {each.id for each in before}
        return [each for each in batches_of_run(reader, settings.run.name) if each.id in ids]


def _cancel(settings: Settings, found: Sequence[BatchReport]) -> tuple[bool, dict[str, str | None]]:
    from kclassify.cli.canceling import cancel_all, warn_of_unsure

    ended: Mapping[str, str | None] = cancel_all(settings, found)
    unsure = warn_of_unsure(found)
    return not unsure and not any(ended.values()), dict(ended)


def _read(settings: Settings, *, as_json: bool) -> bool:
    from kclassify.cli.batch_reading import read_all

    return read_all(settings, quiet=as_json)


def _forget(settings: Settings, *, as_json: bool) -> None:
    from kclassify.cli.batch_reading import forget_all

    forget_all(settings, quiet=as_json)
