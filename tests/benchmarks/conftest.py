from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.benchmarks.ratios import Ratio, lines, save
from tests.tables import database, postgres_database, sqlite_database

__all__ = ["database", "postgres_database", "sqlite_database"]

RATIOS = pytest.StashKey[list[Ratio]]()


class Medians(NamedTuple):
    subject: float
    reference: float

    @property
    def ratio(self) -> float:
        return self.subject / self.reference


Cost = Callable[[], float]
Alternate = Callable[[Cost, Cost, int], Medians]
Record = Callable[[Ratio], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "write what was measured into tests/benchmarks/ratios.json"
    parser.addoption("--save-ratios", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RATIOS] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    ratios = config.stash.get(RATIOS, [])
    if not ratios:
        return
    terminalreporter.section("ratios of medians")
    for line in lines(ratios):
        terminalreporter.write_line(line)
    if config.getoption("--save-ratios", default=False):
        save(ratios)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Keeps a ratio for the table, and fails the test where it misses its mark."""

    def keep(ratio: Ratio) -> None:
        request.config.stash.setdefault(RATIOS, []).append(ratio)
        assert ratio.holds, lines([ratio])[0]

    return keep


@pytest.fixture
def alternate(benchmark: Any) -> Alternate:
    """Measures two things in turns, so that a busy minute touches both, and tells the medians.

    What each of them returns is what it cost.
    """

    def measure(subject: Cost, reference: Cost, rounds: int) -> Medians:
        subjects: list[float] = []
        references: list[float] = []
        benchmark.pedantic(
            lambda: subjects.append(subject()),
            setup=lambda: references.append(reference()),
            rounds=rounds,
        )
        medians = Medians(statistics.median(subjects), statistics.median(references))
        benchmark.extra_info.update(medians._asdict(), ratio=medians.ratio)
        return medians

    return measure
