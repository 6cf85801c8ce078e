"""Opens the ledger alone, for the commands that only read or mend it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager

from kclassify.config import Settings
from kclassify.database import Database
from kclassify.store import LedgerReader


@contextmanager
def ledger_reader(settings: Settings) -> Generator[LedgerReader]:
    """A reader of the ledger that the settings name. Raises `ConfigError` when there is no file."""
    with closing(Database(settings.ledger_url)) as database:
        yield LedgerReader(database)
