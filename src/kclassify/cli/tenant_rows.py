"""Whether anything in the table belongs to a tenant: a name that is misspelt begins no run."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import select
from sqlalchemy.exc import DataError

from kclassify.config import Settings
from kclassify.database import Database
from kclassify.errors import ConfigError, SourceError
from kclassify.sources.filters import condition
from kclassify.sources.table import find_table
from kclassify.sources.tenants import rows_of_tenant


def require_rows(settings: Settings) -> None:
    """Raise `SourceError` where no row belongs to the tenant of these settings.

    Those that the source's filter leaves out count too. Raises `ConfigError` and `DatabaseError`.
    """
    tenant, column, table = settings.tenant, settings.source.tenant, settings.source.table
    if tenant is None:
        return
    if settings.source.url is None or column is None or table is None:
        raise ConfigError("[source] tenant: is for tables, and names a column of one")
    with closing(Database(settings.source.url)) as database:
        if not _has_rows(database, table, column, settings):
            raise SourceError(f"no row of {table} has {column} {tenant!r}")


def _has_rows(database: Database, table: str, column: str, settings: Settings) -> bool:
    of_tenant = rows_of_tenant(database, column, settings.tenant or "")
    with database.connect() as connection:
        found = find_table(connection, table, settings.source.schema_name, [column], SourceError)
        query = select(found.table.c[column]).where(condition(found.table, of_tenant)).limit(1)
        try:
            return connection.execute(query).first() is not None
        except DataError:  # a text where the column holds numbers, for instance: no row has that
            return False
