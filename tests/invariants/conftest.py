from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import empty_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy


@pytest.fixture(scope="module", params=["sqlite", pytest.param("pg", marks=pytest.mark.services)])
def module_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An empty database of either kind, for all tests of a module."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('invariants') / 'articles.db'}"
        return
    server: sqlalchemy.Engine = request.getfixturevalue("postgres_server")
    with empty_postgres(server) as url:
        yield url
