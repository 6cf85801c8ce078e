"""`kclassify dry-run`, `commit` and `retry`."""

from __future__ import annotations

from typing import Annotated

import typer

from kclassify.cli.options import (
    BudgetOption,
    ConfigOption,
    JsonOption,
    MaxConcurrencyOption,
    MaxItemsOption,
    MinConfidenceOption,
    ModelOption,
    OnceOption,
    OverrideOption,
    QuietOption,
    RunOption,
    TenantOption,
    TrancheOption,
    TransportOption,
    chosen_settings,
    is_quiet,
)


def dry_run(
    context: typer.Context,
    *,
    once: OnceOption = False,
    max_items: MaxItemsOption = None,
    min_confidence: MinConfidenceOption = None,
    max_concurrency: MaxConcurrencyOption = None,
    budget_usd: BudgetOption = None,
    transport: TransportOption = None,
    model: ModelOption = None,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Classify everything, write nothing, show what would move.

    A run that stops at --max-items has done what was asked for: its status is 0. The same command
    goes on with it, as it does after 75.
    """
    from kclassify.cli.after_stop import see_to_batches
    from kclassify.cli.ending import report_ending
    from kclassify.cli.running import Order, carry_out
    from kclassify.ports import Mode

    runner = {
        "max_items": max_items,
        "min_confidence": min_confidence,
        "max_concurrency": max_concurrency,
        "budget_usd": budget_usd,
    }
    asking = {"transport": transport}
    settings = chosen_settings(context, config, run, tenant, runner=runner, classifier=asking)
    order = Order(mode=Mode.DRY_RUN, once=once, model=model, quiet=is_quiet(context, quiet=quiet))
    result = carry_out(settings, order)
    status = report_ending(result, as_json=as_json)
    see_to_batches(settings, result, model)
    raise typer.Exit(status)


def commit(
    context: typer.Context,
    *,
    override: OverrideOption = None,
    tranche: TrancheOption = None,
    once: OnceOption = False,
    max_items: MaxItemsOption = None,
    min_confidence: MinConfidenceOption = None,
    max_concurrency: MaxConcurrencyOption = None,
    budget_usd: BudgetOption = None,
    transport: TransportOption = None,
    model: ModelOption = None,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the changes that an evaluation certified.

    It is refused unless the record in [gate] record passed for exactly this classifier, and writes
    by the policy certified there; --override writes without, by the settings' own thresholds. What
    a dry run found is recalled, not paid again. With --tranche it waits for spot checks (75).

    A run that stops at --max-items has done what was asked for: its status is 0. The same command
    goes on with it, as it does after 75.
    """
    from kclassify.cli.after_stop import see_to_batches
    from kclassify.cli.ending import report_ending
    from kclassify.cli.running import Order, carry_out
    from kclassify.ports import Mode

    runner = {
        "max_items": max_items,
        "min_confidence": min_confidence,
        "max_concurrency": max_concurrency,
        "budget_usd": budget_usd,
    }
    asking, gate = {"transport": transport}, {"tranche": tranche}
    settings = chosen_settings(
        context, config, run, tenant, runner=runner, classifier=asking, gate=gate
    )
    order = Order(
        mode=Mode.COMMIT,
        once=once,
        model=model,
        override=override,
        quiet=is_quiet(context, quiet=quiet),
    )
    result = carry_out(settings, order)
    status = report_ending(result, as_json=as_json)
    see_to_batches(settings, result, model)
    raise typer.Exit(status)


def retry(
    context: typer.Context,
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Only failures of this kind, for instance refused; repeatable."),
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="Only the item with this key; repeatable.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--commit", help="Write, as commit does; else as a dry run.")
    ] = False,
    override: OverrideOption = None,
    max_concurrency: MaxConcurrencyOption = None,
    budget_usd: BudgetOption = None,
    transport: TransportOption = None,
    model: ModelOption = None,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Ask again about the items that failed.

    Forgets the failures that `failures` lists and starts a new pass; everything else is recalled.
    """
    from kclassify.cli.after_stop import see_to_batches
    from kclassify.cli.ending import report_ending, report_nothing
    from kclassify.cli.kinds import failure_kind
    from kclassify.cli.retrying import Choice, Nothing, carry_out_retry
    from kclassify.cli.running import Order
    from kclassify.ports import Mode

    runner = {"max_concurrency": max_concurrency, "budget_usd": budget_usd}
    asking = {"transport": transport}
    settings = chosen_settings(context, config, run, tenant, runner=runner, classifier=asking)
    choice = Choice(kinds=tuple(failure_kind(each) for each in kind or ()), keys=tuple(key or ()))
    order = Order(
        mode=Mode.COMMIT if write else Mode.DRY_RUN,
        model=model,
        override=override,
        quiet=is_quiet(context, quiet=quiet),
    )
    result = carry_out_retry(settings, choice, order)
    if isinstance(result, Nothing):
        report_nothing(settings.run.name, result, as_json=as_json)
        return
    status = report_ending(result, as_json=as_json)
    see_to_batches(settings, result, model)
    raise typer.Exit(status)
