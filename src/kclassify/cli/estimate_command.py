"""`kclassify estimate`."""

from __future__ import annotations

from typing import Annotated

import typer

from kclassify.cli.options import (
    BudgetOption,
    ConfigOption,
    JsonOption,
    MaxConcurrencyOption,
    ModelOption,
    QuietOption,
    RunOption,
    TenantOption,
    TransportOption,
    chosen_settings,
    is_quiet,
)


def estimate(
    context: typer.Context,
    *,
    sample: Annotated[
        int, typer.Option(help="Texts whose tokens are counted.", metavar="N", min=2)
    ] = 200,
    then: Annotated[
        str | None,
        typer.Option(
            help="The second model of a cascade, else that of [cascade].", metavar="MODEL"
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            help="The share that the second model is asked.", metavar="SHARE", min=0, max=1
        ),
    ] = None,
    output_tokens: Annotated[
        int | None, typer.Option(help="Tokens of a reply.", metavar="N", min=1)
    ] = None,
    latency_s: Annotated[
        float | None, typer.Option(help="Seconds of a call.", metavar="SECONDS", min=0.001)
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(help="The provider's limit.", metavar="N", min=1)
    ] = None,
    input_tokens_per_minute: Annotated[
        int | None, typer.Option(help="The provider's limit.", metavar="N", min=1)
    ] = None,
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
    """Say what a run would cost, before it begins.

    Tokens, dollars and hours of what is left to ask: plain, cached, batched, and as a cascade.
    Nothing is paid for it, and nothing is written.
    """
    from kclassify.cli.estimate_report import report_estimate
    from kclassify.cli.read_progress import telling
    from kclassify.cli.wording import plural
    from kclassify.estimate.estimate import estimate as reckon
    from kclassify.estimate.question import Question

    runner = {"max_concurrency": max_concurrency, "budget_usd": budget_usd}
    asking = {"transport": transport}
    settings = chosen_settings(context, config, run, tenant, runner=runner, classifier=asking)
    question = Question(
        sample=sample,
        model=model,
        then=then,
        share=share,
        output_tokens=output_tokens,
        latency_s=latency_s,
        requests_per_minute=requests_per_minute,
        input_tokens_per_minute=input_tokens_per_minute,
    )
    tell = telling(
        lambda count: f"{plural(count, 'item')} read", quiet=is_quiet(context, quiet=quiet)
    )
    report_estimate(reckon(settings, question, tell), as_json=as_json)
