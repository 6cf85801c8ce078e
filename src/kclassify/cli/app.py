"""The commands and the options before them. Imports nothing heavy: `--help` is to be quick."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kclassify.cli.batches_command import batches
from kclassify.cli.demo_command import demo
from kclassify.cli.estimate_command import estimate
from kclassify.cli.eval_command import evaluation
from kclassify.cli.init_command import init
from kclassify.cli.job_commands import divide, kick, start
from kclassify.cli.label_command import label
from kclassify.cli.ledger_commands import audit, failures, rollback, status
from kclassify.cli.options import STATUSES, ConfigOption, QuietOption, VerboseOption
from kclassify.cli.run_commands import commit, dry_run, retry
from kclassify.cli.sample_command import sample

_ORDER = (
    "init", "demo", "estimate", "dry-run", "sample", "label", "eval", "commit", "start", "kick",
    "divide", "status", "batches", "failures", "retry", "audit", "rollback",
)  # fmt: skip


class _InOrderOfUse(TyperGroup):
    """Typer lists groups of commands after all the others."""

    def __init__(self, *, commands: dict[str, Any], **settings: Any) -> None:  # noqa: ANN401
        ordered = sorted(commands.items(), key=lambda pair: _ORDER.index(pair[0]))
        super().__init__(commands=dict(ordered), **settings)


app = typer.Typer(
    name="kclassify",
    cls=_InOrderOfUse,
    help="Relabel a corpus with a language model: look first, write after, lose nothing.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"kclassify {version('kclassify')}")
        raise typer.Exit


@app.callback()
def before(
    config: ConfigOption = None,  # noqa: ARG001 - read by `chosen_config`
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    version: Annotated[  # noqa: ARG001 - its callback shows it
        bool, typer.Option("--version", help="Show the version.", callback=_show_version)
    ] = False,
) -> None:
    """What holds for every command."""
    import logging

    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(level=level, format="kclassify: %(name)s: %(message)s")


app.command("init")(init)
app.command("demo")(demo)
app.command("estimate")(estimate)
app.command("dry-run", epilog=STATUSES)(dry_run)
app.command("sample")(sample)
app.command("label")(label)
app.add_typer(evaluation, name="eval")
app.command("commit", epilog=STATUSES)(commit)
app.command("start")(start)
app.command("kick")(kick)
app.command("divide")(divide)
app.command("status")(status)
app.command("batches")(batches)
app.command("failures")(failures)
app.command("retry", epilog=STATUSES)(retry)
app.command("audit")(audit)
app.command("rollback")(rollback)
