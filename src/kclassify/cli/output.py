"""What goes to standard output: lines and tables for people, or one JSON value for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import typer

_PIPE_WIDTH = 10_000


def say(line: str = "") -> None:
    """A line on standard output."""
    typer.echo(line)


def say_json(value: object) -> None:
    """One JSON value on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table. Columns whose cells are all numbers are set to the right, with separators."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from kclassify.cli.wording import shown

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        numbers = all(isinstance(row[place], int | float) for row in rows)
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(_cell(cell))) for cell in row))
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, highlight=False, soft_wrap=width is not None).print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
