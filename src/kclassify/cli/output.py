"""What goes to standard output: lines and tables for people, or one JSON value for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from kclassify.cli.inert_data import json_text

_PIPE_WIDTH = 10_000
_FOLDED_WIDTH = 10


def say(line: str = "") -> None:
    """A line on standard output."""
    typer.echo(line)


def warn(line: str) -> None:
    """A line on standard error, as errors are told there."""
    typer.echo(f"kclassify: {line}", err=True)


def say_json(value: object) -> None:
    """One JSON value on standard output."""
    typer.echo(json_text(value, indent=2))


def say_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table. Columns whose cells are all numbers are set to the right, with separators.

    On a terminal too narrow to read one in, each row becomes a block of lines.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    console = Console(width=width, highlight=False, soft_wrap=width is not None)
    cells = [[_cell(cell) for cell in row] for row in rows]
    if _least_width(headings, cells) > console.width:
        _say_blocks(headings, cells)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        numbers = all(isinstance(row[place], int | float) for row in rows)
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _least_width(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """The columns that a table needs when long cells are folded."""
    columns = zip(headings, *cells, strict=True)
    widths = [min(_FOLDED_WIDTH, max(len(text) for text in column)) for column in columns]
    return sum(widths) + 2 * (len(widths) - 1)


def _say_blocks(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    width = max(len(heading) for heading in headings)
    for place, row in enumerate(cells):
        if place:
            say()
        for heading, cell in zip(headings, row, strict=True):
            if cell:
                say(f"{heading:<{width}}  {cell}")


def _cell(value: object) -> str:
    from kclassify.cli.wording import shown

    if isinstance(value, bool) or value is None:
        return "" if value is None else "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else shown(value)
