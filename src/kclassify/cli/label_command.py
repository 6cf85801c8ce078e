"""`kclassify label`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kclassify.cli.options import ConfigOption, JsonOption, chosen_config

DEFAULT_SAMPLE = Path("evals/sample.jsonl")


def label(
    context: typer.Context,
    *,
    sample: Annotated[
        Path,
        typer.Argument(
            help="The sample, evals/sample.jsonl unless named.", metavar="FILE", show_default=False
        ),
    ] = DEFAULT_SAMPLE,
    by: Annotated[str | None, typer.Option(help="Who labels; the page asks, too.")] = None,
    taxonomy: Annotated[
        Path | None,
        typer.Option(help="The categories, else those of the settings.", metavar="FILE"),
    ] = None,
    port: Annotated[
        int, typer.Option(help="The port of the page, else one that is free.", min=0, max=65535)
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, and open nothing.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open the page where people label a sample.

    It is for this machine alone. Each label is in the file at once; Ctrl-C loses nothing.
    """
    from kclassify.cli.labelling import Page, carry_out_label
    from kclassify.config import load_settings

    if taxonomy is None:
        taxonomy = load_settings(chosen_config(context, config)).taxonomy.file
    page = Page(path=sample, taxonomy=taxonomy, by=by, port=port, opens_browser=not no_browser)
    carry_out_label(page, as_json=as_json)
