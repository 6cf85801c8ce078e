"""An SQLite file: how it is opened, how its loss is noticed, and the way out of what it refuses."""

from __future__ import annotations

import os
import sqlite3
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

BUSY_TIMEOUT_MS = 10_000
_UNOPENED = "unable to open database file"
_WAYS_OUT = {
    "database is locked": "another program writes to it, and kept it for too long",
    "database or disk is full": "make room on its disk",
    "attempt to write a readonly database": "the file or its folder is read-only",
}


def sqlite_engine(path: Path, *, create: bool) -> Engine:
    """An engine on this file, in WAL mode; with `create` it may be a file that is not there yet."""
    engine = create_engine(
        f"sqlite:///{quote(str(path))}",
        creator=_Opener(path.as_uri(), create=create),
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    _watch(engine, path)
    return engine


def way_out(path: Path, reason: str) -> str:
    """What SQLite said, and what is the matter with the file where that is known."""
    if reason == _UNOPENED:
        return f"{reason}: {_unopened(path)}"
    known = _WAYS_OUT.get(reason)
    return reason if known is None else f"{reason}: {known}"


def _unopened(path: Path) -> str:
    if not path.exists():
        return "it is gone, and those beside it whose names begin like its own are wanted, too"
    if not os.access(path.parent, os.W_OK):
        return "its folder is read-only, and SQLite keeps files beside it"
    return "it may not be read and written"


def _watch(engine: Engine, path: Path) -> None:
    """Refuse a connection to a file that is not there any more: what it wrote would be lost.

    SQLite itself goes on with a file that was deleted, as long as it is open.
    """

    def opened(_: object, entry: ConnectionPoolEntry) -> None:
        entry.info["file"] = _identity(path)

    def used_again(_: object, entry: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
        now = _identity(path)
        if now is None:
            raise sqlite3.OperationalError(_UNOPENED)
        if now != entry.info["file"]:
            raise DisconnectionError

    event.listen(engine, "connect", opened)
    event.listen(engine, "checkout", used_again)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Opener:
    """Opens the file; only the first time, and only with `create`, one that is not there."""

    def __init__(self, uri: str, *, create: bool) -> None:
        self._uri = uri
        self._create = create

    def __call__(self) -> sqlite3.Connection:
        # Opened without `c` in the mode, a file that vanished is an error, not a new empty one.
        connection = sqlite3.connect(
            f"{self._uri}?mode={'rwc' if self._create else 'rw'}",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            check_same_thread=False,
            isolation_level=None,  # transactions are begun by `_begin` below, not by the driver
        )
        connection.text_factory = _DECODED
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._create = False
        return connection


_DECODED: Callable[[bytes], str] = methodcaller("decode", "utf-8", "surrogateescape")
"""The driver's own complaint about text that is not UTF-8 repeats the text."""


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode == "wal":
        return
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        # A dry run may read a file that it must not write, with the ledger elsewhere. SQLite does
        # not wait for a lock here: the next connection that finds none changes the mode.
        if not any(reason in str(error) for reason in ("readonly", "locked")):
            raise


def _begin(connection: Connection) -> None:
    writes: Any = connection.get_execution_options().get("kclassify_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
