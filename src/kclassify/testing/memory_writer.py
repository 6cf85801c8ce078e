"""A writer over a dictionary, for tests and simulations."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from kclassify.core.item import Key
from kclassify.ports import Receipt, Write, Writer, WriteResult
from kclassify.writers.compare import Standing, standing

if TYPE_CHECKING:
    from sqlalchemy import Connection


class MemoryWriter:
    """Implements `kclassify.ports.Writer` on labels by key.

    `labels` are the rows, `tried` every write that was asked for, in order, and `written` how often
    each row was really changed. `database` is the identity of the ledger that it shares a
    transaction with, None for none.
    """

    def __init__(self, labels: Mapping[Key, str | None], database: str | None = None) -> None:
        self.labels = dict(labels)
        self.database = database
        self.tried: list[Write] = []
        self.reverted: list[Write] = []
        self.written: dict[Key, int] = {}
        self.finished = 0

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Within it, an error puts `labels` and `written` back as they were."""
        before = dict(self.labels), dict(self.written)
        try:
            yield
        except BaseException:
            self.labels, self.written = before
            raise

    def check(self, labels: Collection[str] = ()) -> None:
        """Every label can be written here."""
        del labels

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        """Compare-and-set each row."""
        del connection
        self.tried += writes
        return [self._apply(write) for write in writes]

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> list[Receipt]:
        """Put `before` back where the row still holds `after`."""
        del connection
        self.reverted += writes
        return [self._swap(write, write.change.after, write.change.before) for write in writes]

    def finish(self) -> None:
        """Count the call."""
        self.finished += 1

    def close(self) -> None:
        """Nothing to let go of."""

    def _apply(self, write: Write) -> Receipt:
        key = write.change.key
        held = self.labels.get(key)
        receipt = self._swap(write, write.change.before, write.change.after)
        if self.labels.get(key) != held:
            self.written[key] = self.written.get(key, 0) + 1
        return receipt

    def _swap(self, write: Write, expected: str | None, wanted: str | None) -> Receipt:
        key = write.change.key
        if key not in self.labels:
            return Receipt(WriteResult.CONFLICT)
        found = standing(self.labels[key], expected, wanted, redo=write.redo)
        if found is Standing.READY:
            self.labels[key] = wanted
        is_late = found is Standing.CONFLICT
        return Receipt(WriteResult.CONFLICT if is_late else WriteResult.WRITTEN)


def asked(writer: Writer | None, writes: Sequence[Write]) -> list[tuple[Write, Receipt]]:
    """What became of each write; nobody is asked where there is nothing to write."""
    if writer is None or not writes:
        return []
    return list(zip(writes, writer.apply(writes, None), strict=True))


def undone_on_error(writer: Writer | None) -> AbstractContextManager[None]:
    """What a `MemoryWriter` wrote is put back when the block raises; no other writer's is."""
    return writer.transaction() if isinstance(writer, MemoryWriter) else nullcontext()
