"""Tables in real databases, for tests of what reads and writes them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from kclassify.database import Database
from tests.conftest import empty_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

BACKENDS = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.services),
]


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path}/articles.db", create=True)) as database:
        yield database


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[Database]:
    with closing(Database(postgres_url)) as database:
        yield database


@pytest.fixture(scope="module")
def one_postgres_database(postgres_server: Engine) -> Iterator[Database]:
    """One for all tests of a module, which drop what they find: to make one takes its time."""
    with empty_postgres(postgres_server) as url, closing(Database(url)) as database:
        yield database


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest) -> Database:
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    found: Database = request.getfixturevalue(name)
    return found


def is_sqlite(database: Database) -> bool:
    return database.engine.dialect.name == "sqlite"


def run(database: Database, *statements: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def insert(database: Database, rows: Sequence[dict[str, Any]], table: str = "articles") -> None:
    if rows:
        names = list(rows[0])
        values = ", ".join(f":{name}" for name in names)
        with database.begin() as connection:
            statement = text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})")
            connection.execute(statement, list(rows))


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]
