"""Labels written to a new file beside the one that was read."""

from __future__ import annotations

import csv
import io
import json
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kclassify.core.item import encode_key
from kclassify.errors import WriterError
from kclassify.ports import Receipt, WriteResult
from kclassify.sources.disk_index import DiskIndex
from kclassify.sources.records import csv_fields, csv_records, jsonl_records, opened
from kclassify.sources.text import key_of, text_of
from kclassify.writers.compare import Standing, inverse, standing
from kclassify.writers.journal import Entry, Journal, mark
from kclassify.writers.json_text import with_member

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence
    from typing import BinaryIO

    from sqlalchemy import Connection

    from kclassify.core.item import Item, Key
    from kclassify.ports import Source, Survey, Write
    from kclassify.sources.records import Record

_ENDINGS = {".csv", ".jsonl", ".ndjson"}


class JsonlWriter:
    """A copy of a JSON Lines or CSV file with new labels; the file that was read is never touched.

    Changes go to `<out>.journal` as they are made, and are on disk when `apply` returns. `finish`
    puts the whole new file in place at once. Lines that did not change keep their bytes; of a JSON
    line that did, only the label's do. Labels are compared with those of the source as the journal
    has changed them: read the source through `relabelled` to see the same.

    The journal belongs to the ledger of its run: when the ledger is deleted, move the journal and
    the new file away, too, else the next run goes on from the labels that they hold. A file at
    `out` that has no journal was made by somebody else and is never replaced.
    """

    def __init__(
        self, source: str | Path, out: str | Path, *, key: str = "id", current: str = "current"
    ) -> None:
        self._source, self._out = Path(source), Path(out)
        self._key, self._current = key, current
        self._is_csv = self._source.suffix.lower() == ".csv"
        self._journal = Journal(self._out.with_name(f"{self._out.name}.journal"))
        self._labels: DiskIndex | None = None
        self._labels_state: object = None
        if self._source.resolve() == self._out.resolve():
            raise WriterError(f"{self._out} is the file that is read: name another one to write")

    @property
    def database(self) -> str | None:
        """None: it is a file."""
        return None

    def check(self, labels: Collection[str] = ()) -> None:  # noqa: ARG002 # a file takes any
        """Raise `WriterError` when the new file cannot be written or the source lacks the field."""
        endings = self._source.suffix.lower(), self._out.suffix.lower()
        if endings[0] not in _ENDINGS or (endings[0] == ".csv") != (endings[1] == ".csv"):
            raise WriterError(f"{self._out}: the ending has to be that of {self._source}")
        if not self._source.is_file():
            raise WriterError(f"there is no file {self._source}")
        folder = self._out.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise WriterError(f"cannot write {self._out}: there is no folder {folder} to write to")
        self._check_own()
        fields = csv_fields(self._source) if self._is_csv else []
        if fields and self._current not in fields:
            exist = ", ".join(fields)
            raise WriterError(f"{self._source} has no field {self._current!r}; there are: {exist}")

    def apply(
        self,
        writes: Sequence[Write],
        connection: Connection | None,  # noqa: ARG002 # it is a writer's parameter
    ) -> Sequence[Receipt]:
        """Record the changes; a key that the source does not have is a conflict."""
        return self._record(writes, undo=False)

    def revert(
        self,
        writes: Sequence[Write],
        connection: Connection | None,  # noqa: ARG002 # it is a writer's parameter
    ) -> Sequence[Receipt]:
        """Record the inverse of the changes; `finish` then writes the file without them."""
        return self._record(writes, undo=True)

    def finish(self) -> None:
        """Write the whole file anew and put it in place at once.

        Raises `WriterError` when a file is in the way that this writer did not make.
        """
        self._check_own()
        self._journal.begin()
        draft = self._out.with_name(f"{self._out.name}.draft")
        try:
            with opened(self._source) as source, draft.open("wb") as out:
                self._copy(source, out)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self._out)
        except OSError as error:
            raise WriterError(f"cannot write {self._out}: {error.strerror}") from None
        finally:
            draft.unlink(missing_ok=True)

    def relabelled(self, source: Source) -> Source:
        """The source with the labels as this writer has changed them, in this run or before."""
        return _RelabelledSource(source, self._journal)

    def close(self) -> None:
        """Let go of what was read."""
        self._journal.close()
        if self._labels is not None:
            self._labels.close()
            self._labels = None

    def _record(self, writes: Sequence[Write], *, undo: bool) -> list[Receipt]:
        labels, moved = self._source_labels(), dict[str, str | None]()
        entries: list[Entry] = []
        receipts: list[Receipt] = []
        for write in writes:
            change, name = write.change, encode_key(write.change.key)
            expected, wanted = inverse(change) if undo else (change.before, change.after)
            stored = labels.get(name)
            if stored is None:
                receipts.append(Receipt(WriteResult.CONFLICT))
                continue
            now = moved.get(name, self._journal.label(change.key, json.loads(stored)))
            repeated = self._journal.last_write(change.key) == mark(
                write.idempotency_key, undo=undo
            )
            found = standing(now, expected, wanted, redo=write.redo or repeated)
            if found is Standing.READY:
                entries.append(Entry(name, expected, wanted, write.idempotency_key, undo))
                moved[name] = wanted
            late = found is Standing.CONFLICT
            receipts.append(Receipt(WriteResult.CONFLICT if late else WriteResult.WRITTEN))
        if entries:
            self._check_own()
        self._journal.append(entries)
        return receipts

    def _check_own(self) -> None:
        if os.path.lexists(self._out) and not self._journal.exists():
            raise WriterError(
                f"{self._out} exists and was not written by this run: name another file with "
                "[writer] path, or move it away"
            )

    def _source_labels(self) -> DiskIndex:
        with opened(self._source) as file:
            found = os.fstat(file.fileno())
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        if self._labels is None or state != self._labels_state:
            if self._labels is not None:
                self._labels.close()
            self._labels, self._labels_state = DiskIndex(), state
            with closing(self._records()) as records:
                for record in records:
                    key, label = self._key_and_label(record)
                    self._labels.put(encode_key(key), json.dumps(label))
        return self._labels

    def _records(self) -> Generator[Record]:
        return csv_records(self._source) if self._is_csv else jsonl_records(self._source)

    def _key_and_label(self, record: Record) -> tuple[Key, str | None]:
        where = f"{self._source}, line {record.line}"
        label = text_of(record.fields.get(self._current), where, self._current)
        key = key_of(record.fields.get(self._key), where, self._key)
        return key, (label or None) if self._is_csv else label

    def _copy(self, source: BinaryIO, out: BinaryIO) -> None:
        copied = 0
        with closing(self._records()) as records:
            for record in records:
                raw, copied = source.read(record.after.offset - copied), record.after.offset
                key, label = self._key_and_label(record)
                now = self._journal.label(key, label)
                out.write(raw if now == label else self._rewritten(raw, record, now))
        out.write(source.read())

    def _rewritten(self, raw: bytes, record: Record, label: str | None) -> bytes:
        # Blank lines, a header or a byte order mark may stand before the record.
        before = raw[: len(raw) - len(record.text.encode())]
        text = self._csv_row(record, label) if self._is_csv else self._json_line(record, label)
        return before + text.encode()

    def _json_line(self, record: Record, label: str | None) -> str:
        return with_member(record.text, self._current, json.dumps(label, ensure_ascii=False))

    def _csv_row(self, record: Record, label: str | None) -> str:
        ending = record.text[len(record.text.rstrip("\r\n")) :]
        row = io.StringIO()
        values = {**record.fields, self._current: label or ""}
        csv.writer(row, lineterminator=ending).writerow(values.values())
        return row.getvalue()


class _RelabelledSource:
    def __init__(self, source: Source, journal: Journal) -> None:
        self._source, self._journal = source, journal

    @property
    def description(self) -> str:
        return self._source.description

    def survey(self, known: Collection[str]) -> Survey:
        return self._source.survey(known)

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        return [self._now(item) for item in self._source.page(after, limit)]

    def close(self) -> None:
        self._source.close()

    def _now(self, item: Item) -> Item:
        return replace(item, current=self._journal.label(item.key, item.current))
