"""A mapping from text to text that grows on disk, not in memory."""

from __future__ import annotations

import sqlite3


class DiskIndex:
    """Entries in a temporary file that vanishes with the index."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._file.execute("PRAGMA journal_mode=OFF")
        self._file.execute("CREATE TABLE entry (name BLOB PRIMARY KEY, value TEXT) WITHOUT ROWID")

    def get(self, name: str) -> str | None:
        """The value of the entry, None when there is none."""
        found = self._file.execute("SELECT value FROM entry WHERE name = ?", (_stored(name),))
        row = found.fetchone()
        return None if row is None else str(row[0])

    def put(self, name: str, value: str) -> None:
        """Add or replace an entry."""
        self._file.execute("INSERT OR REPLACE INTO entry VALUES (?, ?)", (_stored(name), value))

    def put_new(self, name: str, value: str) -> bool:
        """Add an entry; False when there is one of that name, which stays."""
        entry = (_stored(name), value)
        return self._file.execute("INSERT OR IGNORE INTO entry VALUES (?, ?)", entry).rowcount == 1

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


def _stored(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
