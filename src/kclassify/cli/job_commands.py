"""`kclassify start`, `kick` and `divide`: runs that a job system works on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kclassify.cli.options import (
    AppOption,
    ConfigOption,
    JsonOption,
    ModelOption,
    OnOption,
    OverrideOption,
    RunOption,
    TenantOption,
    chosen_config,
    chosen_settings,
    is_quiet,
)

if TYPE_CHECKING:
    from kclassify.core.passes import Mode

WriteOption = Annotated[bool, typer.Option("--commit", help="A commit; else a dry run.")]


def start(
    context: typer.Context,
    *,
    write: WriteOption = False,
    override: OverrideOption = None,
    on: OnOption = None,
    app: AppOption = None,
    shards: Annotated[
        int | None,
        typer.Option(help="For so many workers: a pass that begins is cut.", metavar="N", min=1),
    ] = None,
    model: ModelOption = None,
    run: RunOption = None,
    tenant: TenantOption = None,
    every: Annotated[
        bool, typer.Option("--every-tenant", help="A run for each tenant of the table.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin a run in your job system.

    Begins a pass, or finds the one that is unfinished, and enqueues a job for each of its shards.
    Safe to repeat: a job that is under way is not enqueued again.
    """
    from kclassify.cli.job_app import job_system
    from kclassify.cli.looking import looking
    from kclassify.cli.progress import line
    from kclassify.cli.start_report import report_start, report_starts
    from kclassify.cli.starting import EveryStart, StartOrder, start_all, start_one
    from kclassify.config import DEFAULT_FILE
    from kclassify.errors import UsageError

    if every and tenant is not None:
        raise UsageError("give either --tenant or --every-tenant")
    if override is not None and not write:
        raise UsageError("--override is for --commit: a dry run writes nothing")
    settings = chosen_settings(
        context, config, run, tenant, runner={"shards": shards}, jobs={"app": app, "on": on}
    )
    order = StartOrder(
        config=(chosen_config(context, config) or Path(DEFAULT_FILE)).absolute(),
        mode=_mode(write=write),
        override=override,
        model=model,
        shards=shards,
    )
    jobs = job_system(settings.jobs)
    with looking(line, quiet=is_quiet(context, quiet=False)):
        begun = start_all(settings, jobs, order) if every else start_one(settings, jobs, order)
    if isinstance(begun, EveryStart):
        status = report_starts(begun, jobs.name, as_json=as_json)
    else:
        status = report_start(settings.run.name, jobs.name, begun, as_json=as_json)
    raise typer.Exit(status)


def kick(
    context: typer.Context,
    *,
    run: Annotated[
        str | None, typer.Option(help="Only this run, else all of the ledger.", metavar="NAME")
    ] = None,
    on: OnOption = None,
    app: AppOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enqueue again what nobody works on.

    For a cron: safe at any time, and silent where there is nothing to do. It is about the passes
    that `start` began; what snoozes, waits for people or is done is left alone.
    """
    from contextlib import closing

    from kclassify.adapters.kick import kick as enqueue_due
    from kclassify.cli.job_app import job_system
    from kclassify.cli.start_report import report_kick
    from kclassify.database import Database
    from kclassify.store.runs import find

    settings = chosen_settings(context, config, None, jobs={"app": app, "on": on})
    jobs = job_system(settings.jobs)
    with closing(Database(settings.ledger_url)) as database:
        due = enqueue_due(database, jobs, run, fresh_s=settings.jobs.fresh_s)
        if run is not None and not due:
            with database.connect() as connection:
                find(connection, run)
    report_kick(due, jobs.name, as_json=as_json)


def divide(
    context: typer.Context,
    *,
    into: Annotated[int, typer.Option(help="Parts of about one size.", metavar="N", min=2)],
    shard: Annotated[
        int | None, typer.Option(help="The shard to cut, of a pass that has some.", metavar="K")
    ] = None,
    write: WriteOption = False,
    model: ModelOption = None,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cut an unfinished pass for more workers.

    What is left of the pass, or of one shard of it, is cut into parts, while it runs: where a
    worker is at it, its next step does it.
    """
    from kclassify.cli.dividing import CutOrder, carry_out_cut
    from kclassify.cli.start_report import report_cut

    settings = chosen_settings(context, config, run, tenant)
    order = CutOrder(mode=_mode(write=write), into=into, shard=shard, model=model)
    cut = carry_out_cut(settings, order)
    raise typer.Exit(report_cut(settings.run.name, cut, as_json=as_json))


def _mode(*, write: bool) -> Mode:
    from kclassify.core.passes import Mode

    return Mode.COMMIT if write else Mode.DRY_RUN
