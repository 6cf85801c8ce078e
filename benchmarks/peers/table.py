"""The results for a reader at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.peers.figures import Figures

_WIDTH = 100
_COLUMNS = ("items/s", "processor s", "peak MB", "lost", "asked again", "seconds")


def tables(measured: Mapping[str, Sequence[Figures]]) -> None:
    """Prints a table a scenario, and what is noted; processor seconds are of 1,000 items."""
    console = Console(width=_WIDTH)
    for scenario, figures in measured.items():
        console.print(_table(scenario, figures))
        for one in figures:
            if one.note:
                console.print(f"{one.tool}: {one.note}", markup=False, highlight=False)


def _table(scenario: str, figures: Sequence[Figures]) -> Table:
    table = Table(title=scenario)
    table.add_column("tool", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for one in figures:
        table.add_row(f"{one.tool} {one.version}".strip(), *_cells(one))
    return table


def _cells(one: Figures) -> list[str]:
    speeds = (one.items_per_second, one.processor_s, one.peak_mb)
    counts = (one.lost, one.asked_again)
    cells = [*(_told(value, ",.4g") for value in speeds), *(_told(count, ",") for count in counts)]
    return [*cells, _told(one.seconds, ",.1f")]


def _told(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
