"""Many simulations, one seed after the other, in as many processes as are wanted."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, fields
from itertools import islice
from multiprocessing import get_context

from kclassify.testing.simulation.referee import Tally
from kclassify.testing.simulation.report import Report
from kclassify.testing.simulation.world import simulate

_AT_ONCE = 50


@dataclass(slots=True)
class Figures:
    """The sums of many simulations. `failed` are seeds with what was found, in one line each."""

    runs: int = 0
    items: int = 0
    outages: int = 0
    simulated_s: float = 0.0
    tally: Tally = field(default_factory=Tally)
    failed: dict[int, str] = field(default_factory=dict[int, str])

    def add(self, report: Report) -> None:
        """Take in one simulation."""
        more = Figures(1, report.items, report.outages, report.simulated_s, report.tally)
        if not report.is_clean:
            more.failed[report.seed] = report.told
        self.merge(more)

    def merge(self, more: Figures) -> None:
        """Take in others."""
        self.runs += more.runs
        self.items += more.items
        self.outages += more.outages
        self.simulated_s += more.simulated_s
        for each in fields(Tally):
            total = getattr(self.tally, each.name) + getattr(more.tally, each.name)
            setattr(self.tally, each.name, total)
        self.failed |= more.failed


def simulate_many(seeds: Iterable[int], jobs: int = 1) -> Iterator[Figures]:
    """The figures so far, told again and again while it goes; the last are the result."""
    total = Figures()
    for more in _parts(_groups(seeds), jobs):
        total.merge(more)
        yield total


def _parts(groups: Iterator[list[int]], jobs: int) -> Iterator[Figures]:
    if jobs == 1:
        yield from map(_figures_of, groups)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(_figures_of, group) for group in islice(groups, 2 * jobs)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(_figures_of, group) for group in islice(groups, len(done))}
            yield from (each.result() for each in done)


def _groups(seeds: Iterable[int]) -> Iterator[list[int]]:
    left = iter(seeds)
    while group := list(islice(left, _AT_ONCE)):
        yield group


def _figures_of(seeds: list[int]) -> Figures:
    """The runner's own log is silent meanwhile: it tells of the faults, and those are meant.

    Garbage is collected afterwards, which saves a sixth of the time.
    """
    figures = Figures()
    log = logging.getLogger("kclassify")
    level = log.level
    log.setLevel(logging.CRITICAL)
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        for seed in seeds:
            figures.add(simulate(seed))
    finally:
        log.setLevel(level)
        if is_collecting:
            gc.enable()
    return figures
