"""`kclassify init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kclassify.cli.options import ConfigOption, JsonOption


def init(
    context: typer.Context,
    *,
    place: Annotated[
        str, typer.Argument(help="A database URL, or a .jsonl or .csv file.", metavar="URL|FILE")
    ],
    table: Annotated[str | None, typer.Option(help="The table that holds the items.")] = None,
    schema: Annotated[str | None, typer.Option(help="The schema of the table.")] = None,
    key: Annotated[str | None, typer.Option(help="The column that is unique.")] = None,
    title: Annotated[str | None, typer.Option(help="The column that holds the title.")] = None,
    body: Annotated[str | None, typer.Option(help="The column that holds the text.")] = None,
    current: Annotated[str | None, typer.Option(help="The column that holds the label.")] = None,
    taxonomy: Annotated[
        Path | None, typer.Option(help="A taxonomy that is there already.", metavar="FILE")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the settings and a taxonomy for a database or a file.

    They are kclassify.toml and taxonomy.toml; columns are guessed by name unless they are named.
    """
    from kclassify.cli.guess import Roles
    from kclassify.cli.init_report import report
    from kclassify.cli.initialization import Request, initialize
    from kclassify.cli.looking import looking
    from kclassify.cli.options import chosen_config, is_quiet
    from kclassify.cli.progress import line
    from kclassify.config import DEFAULT_FILE

    request = Request(
        place=place,
        table=table,
        schema=schema,
        roles=Roles(key, title, body, current),
        taxonomy=taxonomy,
        config=chosen_config(context, config) or Path(DEFAULT_FILE),
        force=force,
    )
    with looking(line, quiet=is_quiet(context, quiet=False)):
        found = initialize(request)
    report(found, request.roles, as_json=as_json)
