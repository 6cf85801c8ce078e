"""One engine on one database, with errors that name it and never show its password."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kclassify.errors import ConfigError, DatabaseError, MissingExtra, WriterError
from kclassify.postgresql_copy import allow_copy
from kclassify.sqlite_file import sqlite_engine, way_out

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sqlalchemy import URL, Transaction

CONNECT_TIMEOUT_S = 10
_SILENCE_S = 30
# A server that went away without a word is noticed after `_SILENCE_S`, not after two hours.
_POSTGRESQL_ARGUMENTS = {
    "client_encoding": "utf8",
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": (_SILENCE_S - 10) // 5,
    "tcp_user_timeout": _SILENCE_S * 1000,
}
_NO_SQLITE_FILE = "file is not a database"
_SQLITE = {"sqlite", "sqlite+pysqlite"}
_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg"}
_EXPECTED = "sqlite:///file.db or postgresql://user@host/name is expected"


class Database:
    """One engine on one database: SQLite in WAL mode, or PostgreSQL.

    `identity` is the same text for the same database (an absolute path for SQLite; user, host, port
    and name for PostgreSQL). `description` is the URL as it was given. Neither holds a password.

    A missing SQLite file is created when `create` is set, else it is an error. Raises `ConfigError`
    for a URL that cannot be used and `MissingExtra` when PostgreSQL's driver is not installed;
    nothing is connected to until it is needed.
    """

    engine: Engine
    identity: str
    description: str

    def __init__(self, url: str, *, create: bool = False, beside: Path | None = None) -> None:
        parsed = _parse(url)
        self._secrets = tuple(_secrets(parsed))
        self.description = _masked(parsed)
        if parsed.drivername in _SQLITE:
            path = _sqlite_path(parsed, self.description, create=create)
            self.identity = f"sqlite:///{path}"
            if beside is not None:
                self.description = _masked(parsed.set(database=path_beside(path, beside)))
            self._file: Path | None = path
            self.engine = sqlite_engine(path, create=create)
        else:
            self._file = None
            self.identity = _postgresql_identity(parsed)
            self.engine = _postgresql_engine(parsed)
        self._writing = self.engine.execution_options(kclassify_writes=True)

    @contextmanager
    def begin(self) -> Generator[Connection]:
        """A write transaction: committed on exit, rolled back on any error.

        On SQLite it holds the write lock from the start, so that what it reads stays true until it
        writes. Raises `DatabaseError` when the database cannot be reached or used, `ConfigError`
        for a file that is no SQLite database, and `WriterError` when a table refuses what was
        written no sooner than at the commit; an `IntegrityError` of SQLAlchemy's from before it
        passes, since only the caller knows what it means.
        """
        with (
            self._named(),
            self._writing.connect() as connection,
            connection.begin() as transaction,
        ):
            yield connection
            if transaction.is_active:  # else it was rolled back within
                self._commit(connection, transaction)

    @contextmanager
    def connect(self) -> Generator[Connection]:
        """A connection to read with: on SQLite, one snapshot. Raises like `begin`."""
        with self._named(), self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the pooled connections; using the database again opens new ones."""
        self.engine.dispose()

    def _commit(self, connection: Connection, transaction: Transaction) -> None:
        try:
            transaction.commit()
        except IntegrityError as error:
            # SQLite's transaction is still open, and the pool would hand it on so.
            connection.invalidate()
            # No table of ours has a deferred constraint: it is the table that was written to.
            refused = f"{self.description} refuses what was written"
            raise WriterError(f"{refused}: {reason_of(error)}") from None

    @contextmanager
    def _named(self) -> Generator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeout) as error:
            if reason_of(error) == _NO_SQLITE_FILE:
                raise ConfigError(
                    f"{self.description}: the file is not a SQLite database; name another one"
                ) from None
            raise DatabaseError(self._message(error)) from None

    def _message(self, error: DBAPIError | PoolTimeout) -> str:
        reason = reason_of(error)
        if self._file is not None:
            reason = way_out(self._file, reason)
        for secret in self._secrets:
            reason = reason.replace(secret, "***")
        return f"cannot use {self.description}: {reason}"


def reason_of(error: DBAPIError | PoolTimeout) -> str:
    """What the database said, in one line, without statement, parameters or rows."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return "every connection is in use"
    # PostgreSQL tells the values of a failing row in the lines after the first.
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return " ".join(str(primary or error.orig).split()) or type(error.orig).__name__


def path_beside(path: Path, folder: Path) -> str:
    """The path relative to a folder that it lies in; else the absolute path."""
    found, base = path.resolve(), folder.resolve()
    return str(found.relative_to(base) if found.is_relative_to(base) else found)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text may hold a password that did not parse, so it is not repeated.
        raise ConfigError(f"not a database URL: {_EXPECTED}") from None
    if parsed.drivername in _SQLITE:
        return parsed
    if parsed.drivername in _POSTGRESQL:
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"{parsed.drivername}:// is no database that can be used: {_EXPECTED}")


def _hidden(name: str) -> bool:
    return "password" in name.lower()


def _secrets(url: URL) -> Iterator[str]:
    if url.password:
        yield str(url.password)
        yield quote(str(url.password), safe="")
    for name, values in url.normalized_query.items():
        if _hidden(name):
            yield from (value for value in values if value)


def _masked(url: URL) -> str:
    query = {name: "***" if _hidden(name) else value for name, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


def _sqlite_path(url: URL, description: str, *, create: bool) -> Path:
    if not url.database or url.database == ":memory:":
        raise ConfigError(f"{description} is a database in memory: name a file, sqlite:///file.db")
    if url.query or url.database.startswith("file:"):
        raise ConfigError(f"{description}: options are not supported, only sqlite:///file.db")
    path = Path(url.database).expanduser().resolve()
    if path.is_dir():
        raise ConfigError(f"{description}: {path} is a folder, not a database")
    if not create and not path.exists():
        raise ConfigError(f"{description}: there is no file {path}")
    if not path.parent.is_dir():
        raise ConfigError(f"{description}: there is no folder {path.parent}")
    return path


def _postgresql_identity(url: URL) -> str:
    query = {name: value for name, value in url.query.items() if not _hidden(name)}
    database = url.database or url.username
    return (
        url.set(port=url.port or 5432, database=database, query=query)
        .render_as_string(hide_password=True)
        .replace(":***@", "@", 1)
    )


def _is_news(record: logging.LogRecord) -> bool:
    # psycopg raises what the server refused, and logs besides that its pipeline ended by that.
    is_pipeline = str(record.msg).startswith("error ignored terminating")
    return not (is_pipeline and record.getMessage().endswith(": pipeline aborted"))


def _postgresql_engine(url: URL) -> Engine:
    logging.getLogger("psycopg").addFilter(_is_news)
    given = {k: value for k, value in _POSTGRESQL_ARGUMENTS.items() if k not in url.query}
    try:
        engine = create_engine(
            url,
            connect_args=given,
            hide_parameters=True,
            max_overflow=2,
            pool_pre_ping=True,
            pool_size=2,
            pool_timeout=CONNECT_TIMEOUT_S,
        )
    except ImportError as error:
        raise MissingExtra(
            f"PostgreSQL needs psycopg ({error}): pip install 'kclassify[postgres]'"
        ) from None
    allow_copy(engine)
    return engine
