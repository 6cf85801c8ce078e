"""`kclassify sample`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kclassify.cli.options import ConfigOption, JsonOption, RunOption, chosen_config
from kclassify.errors import UsageError


class FrameName(StrEnum):
    """What rows are drawn from."""

    WRITES = "writes"
    UNIFORM = "uniform"
    TOP_UP = "top-up"


class Origin(StrEnum):
    """Where what was said of the rows is known from."""

    DRY_RUN = "dry-run"
    COMMIT = "commit"
    SOURCE = "source"


def sample(
    context: typer.Context,
    *,
    frame: Annotated[
        FrameName, typer.Option(help="Proposed writes, all items, or more of rare categories.")
    ] = FrameName.WRITES,
    size: Annotated[
        int | None,
        typer.Option(help="Rows: 200, of a commit 20 unless named.", metavar="N", min=1),
    ] = None,
    per_category: Annotated[
        int | None,
        typer.Option(help="With top-up: rows of each category, 20.", metavar="N", min=1),
    ] = None,
    stratify: Annotated[
        bool, typer.Option("--stratify", help="With uniform: as many rows of each label.")
    ] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            help="Proposals from this confidence on; else those of the dry run.",
            metavar="SHARE",
            min=0,
            max=1,
        ),
    ] = None,
    holdout: Annotated[
        float | None, typer.Option(help="Keep this share apart as a holdout.", metavar="SHARE")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws other rows.", metavar="N")] = 0,
    origin: Annotated[
        Origin | None,
        typer.Option("--from", help="A dry run, the writes of a commit, or the source alone."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="The sample, evals/sample.jsonl unless named.", metavar="FILE"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Put a sample aside that is there, and draw anew.")
    ] = False,
    run: RunOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw rows for people to label.

    The same command draws the same rows. One that is there grows to --size, and keeps its labels.
    """
    from kclassify.cli.sample_report import report_sample
    from kclassify.cli.sampling import Wanted, carry_out_sample
    from kclassify.config import load_settings
    from kclassify.evals.draw import Order
    from kclassify.evals.labelled import Frame

    if per_category is not None and frame is not FrameName.TOP_UP:
        raise UsageError("--per-category is for --frame top-up: leave it out, or ask for --size")
    settings = load_settings(chosen_config(context, config), arguments={"run": {"name": run}})
    wanted = Wanted(
        order=Order(
            frame=Frame(frame.value),
            size=200 if size is None else size,
            per_category=20 if per_category is None else per_category,
            stratified=stratify,
            seed=seed,
        ),
        origin=origin,
        min_confidence=min_confidence,
        holdout=holdout,
        output=output,
        force=force,
        is_usual_size=size is None,
    )
    report_sample(carry_out_sample(settings, wanted), as_json=as_json)
