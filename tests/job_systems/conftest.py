from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.job_systems.matrix import Matrix
from tests.job_systems.results import NotFor, Record, Result, documented, write
from tests.job_systems.world import World, open_world


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-results", action="store_true", help="write the results of the job systems"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a system has of its own takes as long as what all of them have."""
    for item in items:
        of_a_system = issubclass(getattr(item, "cls", None) or object, Matrix)
        if of_a_system and not {"slow", "nightly"} & {mark.name for mark in item.iter_markers()}:
            item.add_marker(pytest.mark.nightly)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Compares a result with the document's, or writes it there."""
    if request.config.getoption("--write-results", default=False):
        return write

    def compare(result: Result | NotFor) -> None:
        assert documented().get(result.place) == str(result), "run with --write-results"

    return compare


@pytest.fixture
def world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    """A table, its settings, a provider that answers; its workers are gone afterwards."""
    with open_world(postgres_url, tmp_path) as made:
        yield made
