"""Sources and writers with one plausible bug each, put through the shipped suites.

`test_contract_suites.py` runs this file by itself: each class but the `Sound` ones has to fail.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.core.item import Item
from kclassify.ports import Receipt, Survey, UnknownLabel, WriteResult
from kclassify.testing import SourceContract, WriterContract

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from kclassify.core.item import Key
    from kclassify.ports import Write

WRITTEN, CONFLICT = Receipt(WriteResult.WRITTEN), Receipt(WriteResult.CONFLICT)


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = MEMORY")
    return connection


class Rows:
    """A source over a table `articles`."""

    description = "articles"
    select = "SELECT id, body, title, current FROM articles"

    def __init__(self, path: Path) -> None:
        self.connection = connect(path)

    def survey(self, known: Collection[str]) -> Survey:
        keys: dict[str, list[Key]] = {}
        labels = self.connection.execute("SELECT current, id FROM articles").fetchall()
        for label, key in labels:
            if self.is_unknown(label, known):
                keys.setdefault(label, []).append(key)
        unknown = (UnknownLabel(label, len(found), tuple(found)) for label, found in keys.items())
        return Survey(len(labels), tuple(unknown))

    def is_unknown(self, label: str | None, known: Collection[str]) -> bool:
        return label is not None and label not in known

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        found = self.connection.execute(
            f"{self.select} WHERE id > ? ORDER BY id LIMIT ?",
            ("" if after is None else after, limit),
        )
        return [Item(*row) for row in found]

    def close(self) -> None:
        self.connection.close()


class SourceSuite(SourceContract):
    kind: type[Rows] = Rows

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "articles.db"

    @pytest.fixture
    def make_source(self, path: Path) -> Callable[[Sequence[Item]], Rows]:
        def make(items: Sequence[Item]) -> Rows:
            with connect(path) as connection:
                connection.execute("DROP TABLE IF EXISTS articles")
                columns = "id TEXT PRIMARY KEY, body TEXT, title TEXT, current TEXT"
                connection.execute(f"CREATE TABLE articles ({columns})")
                values = [(item.key, item.body, item.title, item.current) for item in items]
                connection.executemany("INSERT INTO articles VALUES (?, ?, ?, ?)", values)
            return self.kind(path)

        return make

    @pytest.fixture
    def relabel(self, path: Path) -> Callable[[Key, str | None], object]:
        statement = "UPDATE articles SET current = ? WHERE id = ?"
        return lambda key, label: connect(path).execute(statement, (label, key))

    @pytest.fixture
    def remove(self, path: Path) -> Callable[[Key], object]:
        return lambda key: connect(path).execute("DELETE FROM articles WHERE id = ?", (key,))


class TestSoundSource(SourceSuite): ...


class TestPagesByOffset(SourceSuite):
    class kind(Rows):  # noqa: N801
        read = 0

        def page(self, after: Key | None, limit: int) -> Sequence[Item]:
            self.read = 0 if after is None else self.read
            statement = f"{self.select} ORDER BY id LIMIT ? OFFSET ?"
            found = [Item(*row) for row in self.connection.execute(statement, (limit, self.read))]
            self.read += len(found)
            return found


class TestTheKeyItselfComesAgain(SourceSuite):
    class kind(Rows):  # noqa: N801
        def page(self, after: Key | None, limit: int) -> Sequence[Item]:
            statement = f"{self.select} WHERE id >= ? ORDER BY id LIMIT ?"
            found = self.connection.execute(statement, (after or "", limit))
            return [Item(*row) for row in found]


class TestNoOrder(SourceSuite):
    class kind(Rows):  # noqa: N801
        def page(self, after: Key | None, limit: int) -> Sequence[Item]:
            statement = f"{self.select} WHERE id > ? ORDER BY title DESC LIMIT ?"
            found = self.connection.execute(statement, (after or "", limit))
            return [Item(*row) for row in found]


class TestOrderedByTheLabel(SourceSuite):
    class kind(Rows):  # noqa: N801
        def page(self, after: Key | None, limit: int) -> Sequence[Item]:
            found = [
                Item(*row) for row in self.connection.execute(f"{self.select} ORDER BY current, id")
            ]
            keys = [item.key for item in found]
            start = 0 if after is None else keys.index(after) + 1
            return found[start : start + limit]


class TestEverythingIsReadOnce(SourceSuite):
    class kind(Rows):  # noqa: N801
        def page(self, after: Key | None, limit: int) -> Sequence[Item]:
            if not hasattr(self, "all"):
                self.all = [
                    Item(*row) for row in self.connection.execute(f"{self.select} ORDER BY id")
                ]
            return [item for item in self.all if after is None or str(item.key) > str(after)][
                :limit
            ]


class TestNoLabelIsAnEmptyOne(SourceSuite):
    class kind(Rows):  # noqa: N801
        select = "SELECT id, body, title, COALESCE(current, '') FROM articles"


class TestEmptyBodiesAreLeftOut(SourceSuite):
    class kind(Rows):  # noqa: N801
        def page(self, after: Key | None, limit: int) -> Sequence[Item]:
            return [item for item in super().page(after, limit) if item.body]


class TestBodiesAreCut(SourceSuite):
    class kind(Rows):  # noqa: N801
        select = "SELECT id, substr(body, 1, 65535), title, current FROM articles"


class TestTheSurveyIgnoresCase(SourceSuite):
    class kind(Rows):  # noqa: N801
        def is_unknown(self, label: str | None, known: Collection[str]) -> bool:
            return label is not None and label.lower() not in known


class TestAPageIsNeverFull(SourceSuite):
    class kind(Rows):  # noqa: N801
        def page(self, after: Key | None, limit: int) -> Sequence[Item]:
            return super().page(after, min(limit, 5))


class Store:
    """A writer over a table `articles`."""

    def __init__(self, path: Path) -> None:
        self.connection = connect(path)
        self.database: str | None = None

    def check(self, labels: Collection[str] = ()) -> None: ...

    def held(self, key: Key) -> str | None:
        statement = "SELECT current FROM articles WHERE id = ?"
        (label,) = self.connection.execute(statement, (key,)).fetchone() or ("no such row",)
        return None if label is None else str(label)

    def put(self, key: Key, label: str | None) -> None:
        self.connection.execute("UPDATE articles SET current = ? WHERE id = ?", (label, key))

    def swap(self, key: Key, before: str | None, after: str | None, redo: bool) -> Receipt:
        held = self.held(key)
        if held == before:
            self.put(key, after)
            return WRITTEN
        return WRITTEN if redo and held == after else CONFLICT

    def apply(self, writes: Sequence[Write], connection: Any) -> list[Receipt]:
        changes = [(write.change, write.redo) for write in writes]
        return [self.swap(c.key, c.before, c.after, redo) for c, redo in changes]

    def revert(self, writes: Sequence[Write], connection: Any) -> list[Receipt]:
        changes = [(write.change, write.redo) for write in writes]
        return [self.swap(c.key, c.after, c.before, redo) for c, redo in changes]

    def finish(self) -> None: ...

    def close(self) -> None: ...


class WriterSuite(WriterContract):
    kind: type[Store] = Store

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "articles.db"

    @pytest.fixture
    def make_writer(self, path: Path) -> Callable[[Mapping[Key, str | None]], Store]:
        def make(labels: Mapping[Key, str | None]) -> Store:
            with connect(path) as connection:
                connection.execute("CREATE TABLE articles (id TEXT PRIMARY KEY, current TEXT)")
                connection.executemany("INSERT INTO articles VALUES (?, ?)", labels.items())
            return self.kind(path)

        return make

    @pytest.fixture
    def read_labels(self, path: Path) -> Callable[[], Mapping[Key, str | None]]:
        return lambda: dict(connect(path).execute("SELECT id, current FROM articles"))


class TestSoundWriter(WriterSuite): ...


class TestBlindUpdate(WriterSuite):
    class kind(Store):  # noqa: N801
        def swap(self, key: Key, before: str | None, after: str | None, redo: bool) -> Receipt:
            self.put(key, after)
            return WRITTEN


class TestReceiptsInTheWrongOrder(WriterSuite):
    class kind(Store):  # noqa: N801
        def apply(self, writes: Sequence[Write], connection: Any) -> list[Receipt]:
            return sorted(super().apply(writes, connection), key=lambda receipt: receipt.result)


class TestNoReceiptForAConflict(WriterSuite):
    class kind(Store):  # noqa: N801
        def apply(self, writes: Sequence[Write], connection: Any) -> list[Receipt]:
            return [found for found in super().apply(writes, connection) if found == WRITTEN]


class TestAMissingRowIsMade(WriterSuite):
    class kind(Store):  # noqa: N801
        def put(self, key: Key, label: str | None) -> None:
            statement = "INSERT OR REPLACE INTO articles VALUES (?, ?)"
            self.connection.execute(statement, (key, label))

        def held(self, key: Key) -> str | None:
            found = super().held(key)
            return None if found == "no such row" else found


class TestRedoIsAConflict(WriterSuite):
    class kind(Store):  # noqa: N801
        def swap(self, key: Key, before: str | None, after: str | None, redo: bool) -> Receipt:
            return super().swap(key, before, after, redo=False)


class TestRedoOverwrites(WriterSuite):
    class kind(Store):  # noqa: N801
        def swap(self, key: Key, before: str | None, after: str | None, redo: bool) -> Receipt:
            return super().swap(key, self.held(key) if redo else before, after, redo)


class TestNoneComparedInSql(WriterSuite):
    class kind(Store):  # noqa: N801
        def swap(self, key: Key, before: str | None, after: str | None, redo: bool) -> Receipt:
            statement = "UPDATE articles SET current = ? WHERE id = ? AND current = ?"
            found = self.connection.execute(statement, (after, key, before)).rowcount
            return WRITTEN if found else super().swap(key, after, after, redo)


class TestARevertForgetsThatThereWasNoLabel(WriterSuite):
    class kind(Store):  # noqa: N801
        def revert(self, writes: Sequence[Write], connection: Any) -> list[Receipt]:
            changes = [write.change for write in writes]
            return [self.swap(c.key, c.after, c.before or "", redo=True) for c in changes]


class TestABatchIsReadAtOnce(WriterSuite):
    class kind(Store):  # noqa: N801
        def apply(self, writes: Sequence[Write], connection: Any) -> list[Receipt]:
            held = {write.change.key: self.held(write.change.key) for write in writes}
            receipts: list[Receipt] = []
            for write in writes:
                is_same = held[write.change.key] == write.change.before
                if is_same:
                    self.put(write.change.key, write.change.after)
                is_redone = write.redo and held[write.change.key] == write.change.after
                receipts.append(WRITTEN if is_same or is_redone else CONFLICT)
            return receipts


class TestOneThreadOnly(WriterSuite):
    class kind(Store):  # noqa: N801
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.connection = sqlite3.connect(path, isolation_level=None)
            self.connection.execute("PRAGMA synchronous = OFF")
