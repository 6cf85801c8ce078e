from __future__ import annotations

from collections.abc import Iterator

import pytest

from kclassify import Database
from kclassify.testing import Fixed, StubMessagesAPI
from tests.faults.bench import Bench
from tests.faults.matrix import Record, Row, documented, write
from tests.faults.resolver import Resolver
from tests.tables import sqlite_database

__all__ = ["sqlite_database"]


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


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("asyncio", {}), id="asyncio"),
        pytest.param(("trio", {}), id="trio", marks=pytest.mark.slow),
    ],
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Every experiment runs on both, on the second one when there is time."""
    backend: tuple[str, dict[str, object]] = request.param
    return backend


@pytest.fixture
def bench(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A table, a provider that answers, and a resolver that knows its name."""
    with StubMessagesAPI(Fixed("left")) as stub:
        yield Bench(sqlite_database, stub, Resolver(monkeypatch))
