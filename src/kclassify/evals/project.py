"""What an evaluation takes from `kclassify.toml`: defaults of its variants, ledger, record."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kclassify.config import DEFAULT_FILE, Settings, load_settings
from kclassify.database import Database
from kclassify.errors import ConfigError
from kclassify.evals.suite import Suite
from kclassify.store import LedgerReader, SqlLedger

RECORD = "gate.json"


def find_settings(
    suite: Suite, named: Path | None, environment: Mapping[str, str] | None = None
) -> Settings | None:
    """The settings that were named, else those beside the suite or above it; None without any.

    `environment` is that of the process unless it is given. Raises `ConfigError` for a file that
    cannot be used.
    """
    if named is not None:
        return load_settings(named, environment=environment)
    start = suite.folder.resolve()
    for folder in (start, *start.parents):
        if (folder / DEFAULT_FILE).is_file():
            return load_settings(_nearest(folder / DEFAULT_FILE), environment=environment)
    return None


def _nearest(path: Path) -> Path:
    """As somebody in the working folder would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def record_path(
    suite: Suite, settings: Settings | None, named: Path | None, *, opens_nothing: bool = False
) -> Path:
    """Where the gate record goes: where it was told, where commit looks, or beside the suite.

    One that `opens_nothing` is put beside the one that might, and never in its place.
    """
    if named is not None:
        return named
    looked_at = None if settings is None else settings.gate.record
    path = suite.folder / RECORD if looked_at is None else looked_at
    return path.with_stem(f"{path.stem}.dev") if opens_nothing else path


@contextmanager
def open_ledger(
    suite: Suite, settings: Settings | None, *, create: bool
) -> Generator[SqlLedger | None]:
    """The ledger of the suite or of the settings; None where there is none.

    With `create` a missing SQLite file is made, without it that is no ledger. Raises `ConfigError`
    and `DatabaseError` for one that cannot be used.
    """
    url = suite.run.ledger or (None if settings is None else settings.ledger_url)
    database = None if url is None else _database(url, create=create or bool(suite.run.ledger))
    if database is None:
        yield None
        return
    try:
        yield SqlLedger(database)
    finally:
        database.close()


def _database(url: str, *, create: bool) -> Database | None:
    try:
        return Database(url, create=create)
    except ConfigError:
        if create or not url.startswith("sqlite"):
            raise
        return None


def reader_of(ledger: SqlLedger) -> LedgerReader:
    """A reader of the same database."""
    return LedgerReader(ledger.database)
