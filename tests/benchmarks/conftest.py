from __future__ import annotations

from tests.tables import database, postgres_database, sqlite_database

__all__ = ["database", "postgres_database", "sqlite_database"]
