"""Opens the ledger alone, for the commands that only read or mend it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager

from kclassify.config import Settings
from kclassify.database import Database
from kclassify.store import LedgerReader
from kclassify.store.batch_reports import BatchReport, batch_reports
from kclassify.store.batch_rows import UNREAD
from kclassify.store.runs import find, no_such_run


@contextmanager
def ledger_reader(settings: Settings) -> Generator[LedgerReader]:
    """A reader of the ledger that the settings name. Raises `ConfigError` when there is no file."""
    with closing(Database(settings.ledger_url)) as database:
        yield LedgerReader(database)


def batches_at_provider(reader: LedgerReader, run: str) -> list[BatchReport]:
    """The batches of a run that are not over, those on their way included.

    Raises `UsageError` when there is no such run, and `DatabaseError`.
    """
    return [each for each in batches_of_run(reader, run) if each.status in UNREAD]


def batches_of_run(reader: LedgerReader, run: str) -> list[BatchReport]:
    """All batches of a run, in the order of their plans. Raises as `batches_at_provider`."""
    if not reader.runs():
        raise no_such_run(run, [])
    with reader.database.connect() as connection:
        return list(batch_reports(connection, find(connection, run).id))
