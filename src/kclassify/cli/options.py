"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kclassify.config import Settings

STATUSES = "Exit status: 0 done or at --max-items, 1 failed, 2 usage, 75 unfinished"

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="The settings, kclassify.toml unless named.", metavar="FILE"
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output, and nothing else there.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log to standard error what happens.")
]
RunOption = Annotated[
    str | None, typer.Option("--run", help="The run's name in the ledger.", metavar="NAME")
]
TenantOption = Annotated[
    str | None,
    typer.Option("--tenant", help="The run of this tenant alone, NAME/TENANT.", metavar="TENANT"),
]
OnOption = Annotated[
    str | None,
    typer.Option("--on", help="The job system, to be sure: celery, oban.", metavar="NAME"),
]
AppOption = Annotated[
    str | None,
    typer.Option(
        "--app", help="Where your job system is, for instance worker:jobs.", metavar="MODULE:NAME"
    ),
]
OnceOption = Annotated[
    bool, typer.Option("--once", help="Do one step and exit with its status, without waiting.")
]
MaxItemsOption = Annotated[
    int | None, typer.Option(help="Stop after so many items, with status 0.", metavar="N")
]
MinConfidenceOption = Annotated[
    float | None, typer.Option(help="Write a change from this confidence on.", metavar="SHARE")
]
MaxConcurrencyOption = Annotated[
    int | None, typer.Option(help="Calls in flight at most.", metavar="N")
]
ModelOption = Annotated[
    str | None, typer.Option(help="The model, for instance anthropic/claude-haiku-4-5, or local.")
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        "--budget-usd", help="What the run may cost, all of it together.", metavar="DOLLARS"
    ),
]
TransportOption = Annotated[
    str | None,
    typer.Option(help="direct, or batch for half the price within a day.", metavar="HOW"),
]
TrancheOption = Annotated[
    int | None,
    typer.Option(help="Write so many rows, then wait for spot checks (75).", metavar="N", min=1),
]
OverrideOption = Annotated[
    str | None,
    typer.Option(
        help="Why to write although the gate does not allow it; kept in the run.", metavar="REASON"
    ),
]


def chosen_settings(
    context: typer.Context,
    config: Path | None,
    run: str | None,
    tenant: str | None = None,
    **tables: Mapping[str, object],
) -> Settings:
    """The settings, with the options in them: those of one tenant where one is named."""
    from kclassify.config import load_settings
    from kclassify.config.tenant import for_tenant

    arguments = {"run": {"name": run}, **tables}
    settings = load_settings(chosen_config(context, config), arguments=arguments)
    return settings if tenant is None else for_tenant(settings, tenant)


def chosen_config(context: typer.Context, given: Path | None) -> Path | None:
    """The settings file named after the command, else the one named before it."""
    before: Path | None = context.find_root().params.get("config")
    return given or before


def is_quiet(context: typer.Context, *, quiet: bool) -> bool:
    """Whether progress is to be left out, named after the command or before it."""
    return quiet or bool(context.find_root().params.get("quiet"))
