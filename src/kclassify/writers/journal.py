"""The changes to a file, kept beside the new file until it is put in place."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from kclassify.core.item import encode_key
from kclassify.errors import WriterError
from kclassify.sources.disk_index import DiskIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kclassify.core.item import Key


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: the label of `key` went from `before` to `after`. `key` is in the ledger's form."""

    key: str
    before: str | None
    after: str | None
    idempotency_key: str
    undo: bool = False


@dataclass(frozen=True, slots=True)
class _Standing:
    """The label in the source when the key was first changed, the label now, and the last write."""

    base: str | None
    now: str | None
    last: str


class Journal:
    """An append-only file of entries. Memory does not grow with it.

    A line that was cut off by a crash is dropped. Raises `WriterError` when it cannot be read or
    written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index: DiskIndex | None = None

    def exists(self) -> bool:
        """Whether there is a file of entries, be it an empty one."""
        return self._path.exists()

    def begin(self) -> None:
        """Make an empty file where there is none."""
        try:
            self._path.touch()
        except OSError as error:
            raise WriterError(f"cannot write {self._path}: {error.strerror}") from None

    def label(self, key: Key, source_label: str | None) -> str | None:
        """The label now of a key whose label in the source is `source_label`."""
        found = self._find(encode_key(key))
        if found is None or found.base != source_label:
            return source_label
        return found.now

    def last_write(self, key: Key) -> str | None:
        """The mark of the last entry of the key: see `mark`."""
        found = self._find(encode_key(key))
        return found.last if found else None

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries; they are on disk when this returns."""
        if not entries:
            return
        index = self._loaded()
        lines = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
        try:
            with self._path.open("ab") as file:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.close()
            raise WriterError(f"cannot write {self._path}: {error.strerror}") from None
        for entry in entries:
            self._take(index, entry)

    def close(self) -> None:
        """Forget what was read; the next call reads the file again."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _find(self, name: str) -> _Standing | None:
        found = self._loaded().get(name)
        return None if found is None else _Standing(*json.loads(found))

    def _loaded(self) -> DiskIndex:
        if self._index is None:
            index = DiskIndex()
            try:
                self._load(index)
            except BaseException:
                index.close()
                raise
            self._index = index
        return self._index

    def _load(self, index: DiskIndex) -> None:
        try:
            if self._path.exists():
                self._drop_torn_line()
                with self._path.open("rb") as file:
                    for number, line in enumerate(file, 1):
                        self._take(index, self._parse(line, number))
        except OSError as error:
            raise WriterError(f"cannot read {self._path}: {error.strerror}") from None

    def _drop_torn_line(self) -> None:
        with self._path.open("r+b") as file:
            end, size = 0, self._path.stat().st_size
            file.seek(max(0, size - 1))
            if file.read(1) in {b"\n", b""}:
                return
            file.seek(0)
            for line in file:
                end += len(line) if line.endswith(b"\n") else 0
            file.truncate(end)

    def _parse(self, line: bytes, number: int) -> Entry:
        try:
            return Entry(**json.loads(line))
        except (ValueError, TypeError):
            raise WriterError(
                f"{self._path}, line {number}: no entry of a journal; move the file away to start "
                "afresh, or bring back the one that was there"
            ) from None

    def _take(self, index: DiskIndex, entry: Entry) -> None:
        found = index.get(entry.key)
        earlier = None if found is None else _Standing(*json.loads(found))
        follows = earlier is not None and earlier.now == entry.before
        base = earlier.base if earlier is not None and follows else entry.before
        index.put(
            entry.key, json.dumps([base, entry.after, mark(entry.idempotency_key, undo=entry.undo)])
        )


def mark(idempotency_key: str, *, undo: bool) -> str:
    """What tells a write from its undoing."""
    return f"{'undo' if undo else 'do'}:{idempotency_key}"
