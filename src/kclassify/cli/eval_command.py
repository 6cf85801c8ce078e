"""`kclassify eval`, `eval init` and `eval plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kclassify.cli.options import ConfigOption, JsonOption, QuietOption, chosen_config, is_quiet

STATUSES = (
    "Exit status: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 stale or mismatched gate, "
    "5 incomplete: the same command goes on"
)
DEFAULT_SUITE = Path("evals/suite.toml")
_UNNAMED = "run"
_HELP = {"-h", "--help"}


class _Group(TyperGroup):
    """Without the name of a command it evaluates."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - click's own
        is_named = bool(args) and (args[0] in self.commands or args[0] in _HELP)
        return super().parse_args(ctx, args if is_named else [_UNNAMED, *args])


evaluation = typer.Typer(
    cls=_Group,
    help="Score a suite on a sample: may it write? See `eval run`.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@evaluation.command(_UNNAMED, epilog=STATUSES)
def run(
    context: typer.Context,
    *,
    suite: Annotated[
        Path,
        typer.Argument(
            help="The suite, evals/suite.toml unless named.", metavar="SUITE", show_default=False
        ),
    ] = DEFAULT_SUITE,
    variant: Annotated[
        str | None, typer.Option(help="The variant to decide on, instead of the suite's.")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Ask so often about each row.", metavar="N", min=1, max=100)
    ] = None,
    holdout: Annotated[
        bool, typer.Option("--holdout", help="Score the sealed holdout; the look is counted.")
    ] = False,
    replay_only: Annotated[
        bool, typer.Option("--replay-only", help="Make no call: use the replies that were kept.")
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Ask again about rows that got no usable answer."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the gate record still holds.")
    ] = False,
    gate: Annotated[
        Path | None, typer.Option(help="Where the gate record goes.", metavar="FILE")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write page, JSON, Markdown and JUnit there.", metavar="FOLDER"),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the Markdown there.", metavar="FILE")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write the JUnit file there.", metavar="FILE")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Score a suite on its sample: may the candidate write?

    Replies are kept, so that the same evaluation costs nothing the next time, and one that the
    provider broke off goes on where it stopped.
    """
    from kclassify.evals.extra import require_extra

    require_extra()
    from kclassify.cli.evaluating import Files, carry_out_check, carry_out_evaluation
    from kclassify.evals.evaluate import Request

    request = Request(
        suite=suite,
        config=chosen_config(context, config),
        candidate=variant,
        repeats=repeats,
        holdout=holdout,
        replay_only=replay_only,
        retry_failed=retry_failed,
        record=gate,
    )
    if check:
        raise typer.Exit(carry_out_check(request, as_json=as_json))
    files = Files(report=report, markdown=markdown, junit=junit)
    is_silent = is_quiet(context, quiet=quiet)
    raise typer.Exit(carry_out_evaluation(request, files, as_json=as_json, quiet=is_silent))


@evaluation.command("init")
def init(
    *,
    folder: Annotated[
        Path,
        typer.Argument(
            help="The folder to make, evals unless named.", metavar="FOLDER", show_default=False
        ),
    ] = Path("evals"),
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a suite to fill in.

    `kclassify eval` and `python -m evals` find it.
    """
    from kclassify.cli.output import say, say_json
    from kclassify.cli.wording import shown
    from kclassify.evals.scaffold import write_scaffold

    written = [str(path) for path in write_scaffold(folder, force=force)]
    if as_json:
        say_json({"written": written})
        return
    for path in written:
        say(f"wrote {shown(path)}")
    say(f"Next: draw a sample and label it, as {shown(folder / 'README.md')} says.")


@evaluation.command("plan")
def plan(
    *,
    difference: Annotated[
        float | None, typer.Option(help="The change to detect, as a share.", metavar="SHARE")
    ] = None,
    discordance: Annotated[
        float | None,
        typer.Option(help="Rows that only one of two variants has right.", metavar="SHARE"),
    ] = None,
    precision: Annotated[
        float | None, typer.Option(help="The write precision to certify.", metavar="SHARE")
    ] = None,
    true: Annotated[
        float | None, typer.Option("--true", help="What it is in truth.", metavar="SHARE")
    ] = None,
    power: Annotated[float, typer.Option(help="The probability to see it.", metavar="SHARE")] = 0.8,
    alpha: Annotated[
        float | None,
        typer.Option(help="The error allowed: 0.05 for a change, 0.10 for a precision."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say how many labels are needed.

    Either to see a change between two variants, or to certify the precision of the writes.
    """
    from kclassify.evals.extra import require_extra

    require_extra()
    from kclassify.cli.planning import Question, report_plan

    question = Question(difference, discordance, precision, true, power, alpha)
    report_plan(question, as_json=as_json)
