from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults.matrix import Row, documented, write

Record = Callable[[Row], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-matrix", action="store_true", help="write the rows of the fault matrix"
    )


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """Compares a row with the document's, or collects it to be written there."""
    collected: list[Row] = []

    def take(row: Row) -> None:
        if request.config.getoption("--write-matrix", default=False):
            collected.append(row)
        else:
            assert documented(row.group).get(row.fault) == str(row)

    yield take
    if collected:
        write(collected)
