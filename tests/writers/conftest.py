from __future__ import annotations

from tests.tables import (
    database,
    one_postgres_database,
    postgres_database,
    sqlite_database,
)

__all__ = ["database", "one_postgres_database", "postgres_database", "sqlite_database"]
