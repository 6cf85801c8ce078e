from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import sqlalchemy

from kclassify.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: sqlalchemy.Engine) -> Iterator[str]:
    name = f"kclassify_{uuid.uuid4().hex}"
    with postgres_server.connect() as connection:
        connection.execute(sqlalchemy.text(f'CREATE DATABASE "{name}"'))
        # These tests kill transactions, not servers, and need not wait for a disk.
        connection.execute(
            sqlalchemy.text(f'ALTER DATABASE "{name}" SET synchronous_commit TO off')
        )
    yield postgres_server.url.set(database=name).render_as_string(hide_password=False)
    with postgres_server.connect() as connection:
        connection.execute(sqlalchemy.text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def postgres_url(module_postgres_url: str) -> Iterator[str]:
    """An empty database, emptied again after the test: creating one takes half a second."""
    yield module_postgres_url
    engine = sqlalchemy.create_engine(module_postgres_url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP SCHEMA public CASCADE"))
        connection.execute(sqlalchemy.text("CREATE SCHEMA public"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty one of either kind."""
    opened = Database(database_url, create=True)
    yield opened
    opened.close()
