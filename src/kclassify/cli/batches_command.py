"""`kclassify batches`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from kclassify.cli.exit_status import FAILED
from kclassify.cli.options import (
    ConfigOption,
    JsonOption,
    RunOption,
    TenantOption,
    chosen_settings,
)


def batches(
    context: typer.Context,
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="Have the provider end them.")] = False,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the batches of a run that are at the provider.

    What is answered by the time that a batch is cancelled is paid, and read by the next step.
    """
    from kclassify.cli.batch_report import report_batches
    from kclassify.cli.canceling import cancel_all
    from kclassify.cli.ledger_access import batches_at_provider, ledger_reader

    asking = {"transport": "batch"} if cancel else {}
    settings = chosen_settings(context, config, run, tenant, classifier=asking)
    with ledger_reader(settings) as reader:
        found = batches_at_provider(reader, settings.run.name)
    ended: Mapping[str, str | None] = cancel_all(settings, found) if cancel else {}
    report_batches(settings.run.name, found, ended, as_json=as_json)
    if any(problem is not None for problem in ended.values()):
        raise typer.Exit(FAILED)
