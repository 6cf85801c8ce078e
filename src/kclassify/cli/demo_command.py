"""`kclassify demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kclassify.cli.exit_status import FAILED
from kclassify.cli.options import JsonOption


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Leave the database, its settings and evals in this folder.", metavar="FOLDER"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the whole loop on the shipped corpus, without a key."""
    from kclassify.evals.extra import require_extra

    require_extra()
    from kclassify.cli.demo_report import DemoReport
    from kclassify.cli.demonstration import demonstrate

    if not demonstrate(keep, DemoReport(as_json=as_json)):
        raise typer.Exit(FAILED)
