"""A sample while people label it. Every label is in the file before it is confirmed."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from kclassify.errors import SourceError, UsageError
from kclassify.evals.file_lock import folder_locked
from kclassify.evals.labelled import LabelledItem
from kclassify.evals.labelling.votes import is_contested, voted, votes_of, wants
from kclassify.evals.sample_file import read_rows, write_rows

_LONGEST_NAME = 60
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A row in somebody's queue, and what they said of it: never what anybody else did."""

    id: str
    mine: str | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a sample is: rows, those with a label, by how many people, and the contested."""

    rows: int
    labelled: int
    by_two: int
    contested: int


class Session:
    """The rows of a file, to be labelled with one of `labels`.

    Several people may label at once, in one process or in several: the file is read anew when it
    changed, and is written under a lock. Raises `SourceError` for a file that cannot be read.
    """

    def __init__(self, path: Path, labels: Collection[str]) -> None:
        self.path = path
        self._labels = labels
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._rows: dict[str, LabelledItem] = {}
        if not self.rows():
            raise SourceError(f"{path}: there is no row in it: draw some with `kclassify sample`")

    def rows(self) -> Sequence[LabelledItem]:
        """The rows as the file has them now."""
        with self._lock:
            self._refresh()
            return tuple(self._rows.values())

    def queue(self, by: str) -> list[Place]:
        """The rows that this person labelled or is asked to, disagreements of others first."""
        name = checked_name(by)
        rows = [row for row in self.rows() if name in votes_of(row) or wants(row, name)]
        rows.sort(key=lambda row: not (is_contested(row) and wants(row, name)))
        return [Place(row.id, votes_of(row).get(name)) for row in rows]

    def row(self, identity: str) -> LabelledItem:
        """The row of this id. Raises `UsageError`."""
        with self._lock:
            self._refresh()
            return self._row(identity)

    def vote(self, identity: str, by: str, label: str | None) -> None:
        """Store what somebody said, or take it back. Raises `UsageError`."""
        name = checked_name(by)
        if label is not None and label not in self._labels:
            raise UsageError(f"{label!r} is no active category of the taxonomy")
        with self._lock, folder_locked(self.path.parent):
            self._refresh()
            rows = self._rows | {identity: voted(self._row(identity), name, label)}
            write_rows(self.path, list(rows.values()))
            self._rows, self._stamp = rows, _stamp(self.path)

    def tally(self) -> Tally:
        """How far it is."""
        rows = self.rows()
        return Tally(
            rows=len(rows),
            labelled=sum(row.gold is not None for row in rows),
            by_two=sum(len(votes_of(row)) > 1 for row in rows),
            contested=sum(is_contested(row) for row in rows),
        )

    def _row(self, identity: str) -> LabelledItem:
        row = self._rows.get(identity)
        if row is None:
            raise UsageError(f"{self.path} has no row {identity!r} any more: load the page again")
        return row

    def _refresh(self) -> None:
        stamp = _stamp(self.path)
        if stamp is None or stamp != self._stamp:
            self._rows = {row.id: row for row in read_rows(self.path)}
            self._stamp = stamp


def checked_name(name: str) -> str:
    """The name without white space around it. Raises `UsageError` for what is none."""
    plain = name.strip()
    if not plain or len(plain) > _LONGEST_NAME or not plain.isprintable():
        raise UsageError(
            f"who labels has a name of 1 to {_LONGEST_NAME} characters, all of them printable"
        )
    return plain


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
