"""A writer over rows of the suite for writers, and what is asked of it."""
# ruff: noqa: S101 - a suite of tests: assert is how it speaks

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kclassify.core.item import Key
from kclassify.core.policy import Change
from kclassify.ports import Receipt, Write, Writer, WriteResult

Labels = Mapping[Key, str | None]
MakeWriter = Callable[[Labels], Writer]
ReadLabels = Callable[[], Labels]
Wanted = tuple[int, str | None, str]
"""A write in short: the number of its row, the label before and the label after."""


class WriterUnderTest:
    """Asks for writes in short form, and compares what the rows hold afterwards."""

    writer: Writer

    def __init__(
        self, key: Callable[[int], Key], make_writer: MakeWriter, read_labels: ReadLabels
    ) -> None:
        self._key, self._make_writer, self.read_labels = key, make_writer, read_labels
        self._made = 0

    def labels(self, *labels: str | None) -> dict[Key, str | None]:
        """Rows 0, 1 and so on with these labels."""
        return {self._key(number): label for number, label in enumerate(labels)}

    def store(self, *labels: str | None) -> None:
        """Stores such rows, and makes the writer for them."""
        self.writer = self._make_writer(self.labels(*labels))

    def hold(self, *labels: str | None) -> None:
        """An assertion fails unless there are these rows, with these labels."""
        self.writer.finish()
        assert dict(self.read_labels()) == self.labels(*labels)

    def write(
        self, number: int, before: str | None, after: str, *, redo: bool = False, name: str = "w"
    ) -> Write:
        """A write; two with the same name are the same one, tried again."""
        change = Change(self._key(number), before, after, 0.9)
        return Write(change, f"{name}-{number}-{after}", redo=redo)

    def apply(self, *writes: Wanted, redo: bool = False) -> list[WriteResult]:
        """What becomes of writes that were never made before."""
        return self.results(self.writer.apply(self._writes(writes, redo=redo), None))

    def revert(self, *writes: Wanted, redo: bool = False) -> list[WriteResult]:
        """What becomes of it when these are put back."""
        return self.results(self.writer.revert(self._writes(writes, redo=redo), None))

    def _writes(self, writes: Sequence[Wanted], *, redo: bool) -> list[Write]:
        found: list[Write] = []
        for write in writes:
            self._made += 1
            found.append(self.write(*write, redo=redo, name=f"w{self._made}"))
        return found

    def results(self, receipts: Sequence[Receipt]) -> list[WriteResult]:
        """Written or a conflict, in order."""
        return [receipt.result for receipt in receipts]
