"""The records of a file, one at a time, each with its place in it."""

from __future__ import annotations

import csv
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from kclassify.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

BOM = b"\xef\xbb\xbf"
_LONGEST_FIELD = 2**31 - 1


class Place(NamedTuple):
    """Where a record begins: bytes before it, and lines before it."""

    offset: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line it begins in (from 1), the bytes it takes up, and its fields.

    `text` is the record as it stands in the file, with its line ending, without a byte order mark.
    """

    line: int
    start: int
    after: Place
    text: str
    fields: Mapping[str, Any]


@contextmanager
def opened(path: Path) -> Generator[BinaryIO]:
    """The file for reading. Raises `SourceError` that names it."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from None
    with file:
        yield file


def jsonl_records(path: Path, place: Place = Place()) -> Generator[Record]:  # noqa: B008
    """The objects of a JSON Lines file; blank lines are passed over. Raises `SourceError`."""
    with opened(path) as file:
        yield from jsonl_records_in(file, path, place)


def jsonl_records_in(
    file: BinaryIO,
    path: Path,
    place: Place = Place(),  # noqa: B008
) -> Generator[Record]:
    """The objects of a file that is open, or in memory; `path` is what errors name."""
    for start, after, text in _lines(file, path, place):
        if text.strip():
            fields = _object(text, f"{path}, line {after.line}")
            yield Record(after.line, start, after, text, fields)


def csv_records(path: Path, place: Place = Place()) -> Generator[Record]:  # noqa: B008
    """The rows of a CSV file below its header; blank rows are passed over. Raises `SourceError`."""
    names = csv_fields(path)
    with opened(path) as file:
        rows = _csv_rows(path, _lines(file, path, place))
        if place == Place():
            next(rows, None)
        for line, start, after, text, row in rows:
            if len(row) != len(names):
                raise SourceError(
                    f"{path}, line {line}: {len(row)} fields, where the header has {len(names)}"
                )
            yield Record(line, start, after, text, dict(zip(names, row, strict=True)))


def csv_fields(path: Path) -> list[str]:
    """The header of a CSV file; nothing for an empty one. Raises `SourceError`."""
    with opened(path) as file:
        for _, _, _, _, row in _csv_rows(path, _lines(file, path, Place())):
            twice = sorted({name for name in row if row.count(name) > 1})
            if twice:
                raise SourceError(f"{path}, line 1: the field {twice[0]!r} is there twice")
            return row
    return []


_Line = tuple[int, Place, str]


def _lines(file: BinaryIO, path: Path, place: Place) -> Iterator[_Line]:
    file.seek(place.offset)
    offset, number = place
    for raw in file:
        start = offset
        offset, number = offset + len(raw), number + 1
        text = raw[len(BOM) :] if start == 0 and raw.startswith(BOM) else raw
        try:
            yield start, Place(offset, number), text.decode()
        except UnicodeDecodeError as error:
            byte = f"0x{text[error.start]:02x} at byte {error.start + 1} of the line"
            raise SourceError(f"{path}, line {number}: not UTF-8: {byte}") from None


def _object(text: str, where: str) -> Mapping[str, Any]:
    try:
        parsed: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(f"{where}: not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise SourceError(f"{where}: not JSON that can be read: too long or too deep") from None
    if not isinstance(parsed, dict):
        raise SourceError(f"{where}: not an object, which a line of JSON Lines has to be")
    return cast("Mapping[str, Any]", parsed)


def _csv_rows(
    path: Path, lines: Iterator[_Line]
) -> Iterator[tuple[int, int, Place, str, list[str]]]:
    taken: list[_Line] = []

    def feed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line[2]

    # The limit is the whole process's; bodies are longer than its default of 128 kB.
    csv.field_size_limit(_LONGEST_FIELD)
    rows = csv.reader(feed(), strict=True)
    while True:
        taken.clear()
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise SourceError(f"{path}, line {taken[0][1].line}: not CSV: {error}") from None
        if row is None:
            return
        if row:
            text = "".join(line[2] for line in taken)
            yield taken[0][1].line, taken[0][0], taken[-1][1], text, row
