"""Items from a file of JSON Lines or CSV, in the order of the file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kclassify.core.item import Item, Key, encode_key
from kclassify.database import path_beside
from kclassify.errors import SourceError
from kclassify.ports import Survey
from kclassify.sources.disk_index import DiskIndex
from kclassify.sources.records import Place, csv_fields, csv_records, jsonl_records, opened
from kclassify.sources.text import key_of, text_of
from kclassify.sources.unknown import UnknownLabels

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence

    from kclassify.sources.records import Record

_REMEMBERED = 20_000


class FileSource(ABC):
    """What files have in common; `JsonlSource` and `CsvSource` say how a record is read."""

    def __init__(
        self,
        path: str | Path,
        *,
        key: str = "id",
        body: str = "body",
        current: str | None = "current",
        title: str | None = "title",
        beside: Path | None = None,
    ) -> None:
        self._path, self._beside = Path(path), beside
        self._key, self._body, self._current, self._title = key, body, current, title
        self._state: object = None
        self._places: OrderedDict[Key, Place] = OrderedDict()
        if not self._path.is_file():
            raise SourceError(f"there is no file {path}")

    @property
    def description(self) -> str:
        """The path as it was given, or relative to the folder `beside` where it lies in it."""
        return str(self._path) if self._beside is None else path_beside(self._path, self._beside)

    def survey(self, known: Collection[str]) -> Survey:
        """Read the whole file once: count the items and find unknown labels.

        Raises `SourceError`, which names the line, for text that is not UTF-8, a record that
        cannot be read, a missing field and a repeated key. Memory does not grow with the file.
        """
        unknown, items, labelled = UnknownLabels(known), 0, False
        with closing(DiskIndex()) as seen, closing(self._records(Place())) as records:
            record: Record | None = None
            for items, record in enumerate(records, 1):  # noqa: B007
                item = self._item(record)
                self._check_new(seen, item.key, record.line)
                unknown.add(item.current, item.key)
                labelled = labelled or self._current is None or self._current in record.fields
        if record is not None and not labelled:
            raise self._missing(f"{self._path}: no line has a field", str(self._current), record)
        return Survey(items, unknown.found())

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        """At most `limit` items that come after the one with key `after`, in the file's order.

        Pages one after another cost no more than reading the file once. Raises `SourceError` when
        no line has the key `after`: the file has changed.
        """
        self._forget_if_changed()
        place = Place() if after is None else self._place_after(after)
        items: list[Item] = []
        with closing(self._records(place)) as records:
            for record in islice(records, limit):
                item = self._item(record)
                self._remember(item.key, record.after)
                items.append(item)
        return items

    def close(self) -> None:
        """Forget the places of the items; nothing is held open between calls."""
        self._places.clear()

    @abstractmethod
    def _records(self, place: Place) -> Generator[Record]: ...

    def _label(self, value: object) -> object:
        return value

    def _item(self, record: Record) -> Item:
        where = f"{self._path}, line {record.line}"
        for field in (self._key, self._body):
            if field not in record.fields:
                raise self._missing(f"{where} has no field", field, record)
        values = record.fields
        label = self._label(values.get(self._current)) if self._current else None
        return Item(
            key=key_of(values[self._key], where, self._key),
            title=text_of(values.get(self._title), where, self._title) if self._title else None,
            body=text_of(values[self._body], where, self._body) or "",
            current=text_of(label, where, str(self._current)),
        )

    def _missing(self, where: str, field: str, record: Record) -> SourceError:
        exist = ", ".join(record.fields) or "nothing"
        return SourceError(f"{where} {field!r}; there are: {exist}")

    def _check_new(self, seen: DiskIndex, key: Key, line: int) -> None:
        name = encode_key(key)
        if not seen.put_new(name, str(line)):
            raise SourceError(
                f"{self._path}: the key {key!r} is there twice, "
                f"in line {seen.get(name)} and line {line}"
            )

    def _place_after(self, key: Key) -> Place:
        remembered = self._places.get(key)
        if remembered is not None:
            return remembered
        with closing(self._records(Place())) as records:
            for record in records:
                if self._item(record).key == key:
                    return record.after
        raise SourceError(
            f"{self._path} has changed: no line has the key {key!r} any more; restore the line, or "
            "start a new run with --run NAME or [run] name"
        )

    def _remember(self, key: Key, place: Place) -> None:
        self._places[key] = place
        if len(self._places) > _REMEMBERED:
            self._places.popitem(last=False)

    def _forget_if_changed(self) -> None:
        with opened(self._path):
            found = self._path.stat()
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        if state != self._state:
            self._places.clear()
            self._state = state


class JsonlSource(FileSource):
    """One JSON object a line: a key (integer or text), a body, and maybe a title and a label.

    `current` and `title` may be missing from a line or null; a label that no line has is an error,
    unless `current` is None because the corpus has no labels yet.
    """

    def _records(self, place: Place) -> Generator[Record]:
        return jsonl_records(self._path, place)


class CsvSource(FileSource):
    """Comma-separated values under a header; keys are texts, and an empty label is no label yet."""

    def survey(self, known: Collection[str]) -> Survey:
        """As for any file; the header alone has to name the fields. Raises `SourceError`."""
        self._check_header()
        return super().survey(known)

    def _records(self, place: Place) -> Generator[Record]:
        return csv_records(self._path, place)

    def _label(self, value: object) -> object:
        return value or None

    def _item(self, record: Record) -> Item:
        if not record.fields.get(self._key, "-"):
            raise SourceError(f"{self._path}, line {record.line}: the key {self._key!r} is empty")
        return super()._item(record)

    def _check_header(self) -> None:
        names = csv_fields(self._path)
        for field in (self._key, self._body, self._current):
            if names and field is not None and field not in names:
                exist = ", ".join(names)
                raise SourceError(f"{self._path} has no field {field!r}; there are: {exist}")


_ENDINGS: dict[str, type[JsonlSource | CsvSource]] = {
    ".csv": CsvSource,
    ".jsonl": JsonlSource,
    ".ndjson": JsonlSource,
}


def open_source(path: str | Path, **fields: Any) -> JsonlSource | CsvSource:  # noqa: ANN401
    """The source for a file by its ending: .jsonl, .ndjson or .csv. Raises `SourceError`.

    `fields` are those of the source: `key`, `body`, `current`, `title` and `beside`.
    """
    kind = _ENDINGS.get(Path(path).suffix.lower())
    if kind is None:
        exist = ", ".join(sorted(_ENDINGS))
        raise SourceError(f"{path}: the ending says nothing that can be read; there are: {exist}")
    return kind(path, **fields)
