"""The results for a reader at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.peers.figures import Figures

_COLUMNS = ("items/s", "processor s", "peak MB", "lost", "asked again", "seconds")


def tables(measured: Mapping[str, Sequence[Figures]]) -> None:
    """Prints a table a scenario; processor seconds are of 1,000 items."""
    console = Console()
    for scenario, figures in measured.items():
        console.print(_table(scenario, figures))


def _table(scenario: str, figures: Sequence[Figures]) -> Table:
    table = Table(title=scenario)
    table.add_column("tool", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for one in figures:
        table.add_row(f"{one.tool} {one.version}".strip(), *_cells(one))
    return table


def _cells(figures: Figures) -> list[str]:
    if figures.seconds is None:
        return [figures.note]
    told = (figures.items_per_second, figures.processor_s, figures.peak_mb)
    counted = (figures.lost, figures.asked_again)
    speeds = ["" if value is None else f"{value:,.4g}" for value in told]
    return [*speeds, *(f"{count:,}" for count in counted), f"{figures.seconds:,.1f}"]
