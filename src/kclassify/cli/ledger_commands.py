"""`kclassify status`, `failures`, `audit` and `rollback`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kclassify.cli.exit_status import FAILED, FINISHED
from kclassify.cli.options import (
    ConfigOption,
    JsonOption,
    RunOption,
    TenantOption,
    chosen_settings,
    is_quiet,
)

if TYPE_CHECKING:
    from kclassify.config import Settings


class AuditFormat(StrEnum):
    """How `audit` prints the changes."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


def status(
    context: typer.Context,
    *,
    run: RunOption = None,
    tenant: TenantOption = None,
    every: Annotated[bool, typer.Option("--all", help="List all runs of the ledger.")] = False,
    shards: Annotated[
        bool, typer.Option("--shards", help="Show every shard, also where there are many.")
    ] = False,
    steps: Annotated[
        bool, typer.Option("--steps", help="Show what each step of the latest pass cost.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run: its passes, transitions, outcomes, writes and cost."""
    from kclassify.cli.ledger_access import ledger_reader
    from kclassify.cli.ledger_reports import report_run, report_runs

    settings = chosen_settings(context, config, run, tenant)
    with ledger_reader(settings) as reader:
        if every:
            report_runs(reader.runs(), as_json=as_json)
        else:
            report = reader.status(settings.run.name)
            latest = report.passes[-1].number if steps and report.passes else None
            found = None if latest is None else reader.steps(report.name, latest)
            report_run(report, as_json=as_json, every_shard=shards, steps=found)


def failures(
    context: typer.Context,
    *,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind, for instance refused or 'too long'.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show so many at most.")] = None,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the items that ended without an answer, and why."""
    from kclassify.cli.kinds import failure_kind
    from kclassify.cli.ledger_access import ledger_reader
    from kclassify.cli.ledger_reports import report_failures

    wanted = None if kind is None else failure_kind(kind)
    settings = chosen_settings(context, config, run, tenant)
    with ledger_reader(settings) as reader:
        report_failures(reader.failures(settings.run.name, wanted, limit), as_json=as_json)


def audit(
    context: typer.Context,
    *,
    form: Annotated[AuditFormat, typer.Option("--format", help="How to print.")] = (
        AuditFormat.TABLE
    ),
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the run against the ten invariants instead.")
    ] = False,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every write of a run and what became of it.

    With --verify the table, the ledger and the audit are checked against each other; the exit
    status is 1 when an invariant is broken.
    """
    from kclassify.cli.ledger_access import ledger_reader
    from kclassify.cli.ledger_reports import report_audit

    settings = chosen_settings(context, config, run, tenant)
    if verify:
        raise typer.Exit(
            _verify(settings, form, as_json=as_json, quiet=is_quiet(context, quiet=False))
        )
    with ledger_reader(settings) as reader:
        report_audit(reader.changes(settings.run.name), "json" if as_json else form.value)


def _verify(settings: Settings, form: AuditFormat, *, as_json: bool, quiet: bool) -> int:
    from kclassify.cli.verification_report import report_verification
    from kclassify.cli.verifying import check
    from kclassify.errors import UsageError

    if form is not AuditFormat.TABLE:
        raise UsageError(f"--verify is not printed as {form}: --json gives it to programs")
    found = check(settings, quiet=quiet)
    report_verification(settings.run.name, found, as_json=as_json)
    return FINISHED if found.is_clean else FAILED


def rollback(
    context: typer.Context,
    *,
    run: RunOption = None,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put back the labels that a run replaced.

    Rows whose label was changed since are left as they are; the exit status is then 1.
    """
    from kclassify.cli.undoing import report_rollback, undo

    settings = chosen_settings(context, config, run, tenant)
    report = undo(settings)
    report_rollback(settings.run.name, report, as_json=as_json)
    if report.conflicts:
        raise typer.Exit(FAILED)
