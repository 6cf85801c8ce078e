from __future__ import annotations

import gc
import os
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
import sqlalchemy
from hypothesis import HealthCheck, settings
from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

REPOSITORY = Path(__file__).resolve().parents[1]
POSTGRES_CANDIDATES = (
    "postgresql+psycopg://root@127.0.0.1:5432/test",
    "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
)

# A loaded machine is no reason to fail: pytest-timeout ends what hangs.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=25,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported for the tests stays, so nobody need look whether it is garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.services)
        if item.path.is_relative_to(REPOSITORY / "tests" / "benchmarks"):
            item.add_marker(pytest.mark.benchmark)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("asyncio", {}), id="asyncio"),
        pytest.param(("trio", {}), id="trio"),
    ],
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Every async test runs on both."""
    backend: tuple[str, dict[str, object]] = request.param
    return backend


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sqlalchemy.Engine]:
    """An engine that may create databases, or a skip that says how to get one."""
    given = os.environ.get("KCLASSIFY_POSTGRES_URL")
    refusals: list[str] = []
    for url in (given,) if given else POSTGRES_CANDIDATES:
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            engine.connect().close()
        except OperationalError as error:
            refusals.append(f"{engine.url!r}: {str(error.orig).strip()}")
            engine.dispose()
        else:
            yield engine
            _drop_databases(engine)
            engine.dispose()
            return
    missing_service("PostgreSQL", "KCLASSIFY_POSTGRES_URL", "; ".join(refusals))


@pytest.fixture
def postgres_url(postgres_server: sqlalchemy.Engine) -> Iterator[str]:
    """The URL of an empty database that exists for this test only."""
    with empty_postgres(postgres_server) as url:
        yield url


@contextmanager
def empty_postgres(postgres_server: sqlalchemy.Engine) -> Generator[str]:
    """The URL of a database of this server's that is this test's alone, and emptied afterwards.

    It serves the next test then: to create and drop one makes the whole server write to its disk.
    """
    name = _free_databases.pop() if _free_databases else _created_database(postgres_server)
    yield postgres_server.url.set(database=name).render_as_string(hide_password=False)
    _empty(postgres_server, name)
    _free_databases.append(name)


_free_databases: list[str] = []


def _created_database(postgres_server: sqlalchemy.Engine) -> str:
    name = f"kclassify_{uuid.uuid4().hex}"
    with postgres_server.connect() as connection:
        connection.execute(sqlalchemy.text(f'CREATE DATABASE "{name}"'))
        # No test pulls the plug of this server: a commit need not wait for its disk.
        quick = f'ALTER DATABASE "{name}" SET synchronous_commit = off'
        connection.execute(sqlalchemy.text(quick))
    return name


def _drop_databases(postgres_server: sqlalchemy.Engine) -> None:
    with postgres_server.connect() as connection:
        while _free_databases:
            drop = f'DROP DATABASE "{_free_databases.pop()}" WITH (FORCE)'
            connection.execute(sqlalchemy.text(drop))


def _empty(postgres_server: sqlalchemy.Engine, name: str) -> None:
    """Without its connections, schemas and extensions, as if it had just been created."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
    with postgres_server.connect() as connection:
        connection.execute(sqlalchemy.text(others), {"name": name})
    url = postgres_server.url.set(database=name)
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        found = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'"
        for schema in connection.execute(sqlalchemy.text(found)).scalars().all():
            connection.execute(sqlalchemy.text(f'DROP SCHEMA "{schema}" CASCADE'))
        connection.execute(sqlalchemy.text("CREATE SCHEMA public"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real labelled corpora, or a skip: they are not part of the project."""
    given = os.environ.get("KCLASSIFY_SHARED_DATA")
    folder = Path(given) if given else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real corpora at {folder}: name their folder in KCLASSIFY_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a Redis that answers, or a skip that says how to get one."""
    given = os.environ.get("KCLASSIFY_REDIS_URL", "redis://127.0.0.1:6379")
    client = redis.Redis.from_url(given)
    try:
        client.ping()
    except redis.RedisError as error:
        missing_service("Redis", "KCLASSIFY_REDIS_URL", str(error))
    finally:
        client.close()
    return given


def missing_service(service: str, variable: str, refusal: str) -> None:
    """Skip the test, or fail it where the services are required."""
    reason = f"{service} is not reachable ({refusal}): name one in {variable}"
    if os.environ.get("KCLASSIFY_REQUIRE_SERVICES") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
