"""Where items come from, and where changes go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from kclassify.core.division import Division
from kclassify.core.item import Item, Key
from kclassify.core.survey import Survey
from kclassify.core.write import Receipt, Write

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Source(Protocol):
    """Where items come from, in an order that does not change while rows are written."""

    @property
    def description(self) -> str:
        """One line for people, without secrets: `articles in sqlite:///articles.db`."""
        ...

    def survey(self, known: Collection[str]) -> Survey:
        """Count the items and find unknown labels. Raises `SourceError`."""
        ...

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        """At most `limit` items whose keys follow `after`; fewer than `limit` means the end."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@runtime_checkable
class Divisible(Source, Protocol):
    """A source that several workers can share, each with a part of its own."""

    def part(self, after: Key | None, until: Key | None, limit: int) -> Sequence[Item]:
        """At most `limit` items whose keys follow `after` and do not follow `until`.

        Fewer than `limit` means the end of the part.
        """
        ...

    def divide(self, parts: int, after: Key | None = None, until: Key | None = None) -> Division:
        """Where to divide the items whose keys follow `after` and do not follow `until`.

        At most `parts` of equal size, give or take one item; fewer where the items are fewer.
        """
        ...


class Writer(Protocol):
    """Where changes go. One call at a time, always from the same thread."""

    @property
    def database(self) -> str | None:
        """The identity of its database (`Database.identity`), None if there is none."""
        ...

    def check(self, labels: Collection[str] = ()) -> None:
        """Raise `WriterError` when labels, or one of these, cannot be written; writes nothing."""
        ...

    def apply(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        """Compare-and-set each row: one receipt a write, in order.

        `connection` is the open transaction to write in when the ledger shares the database; else
        the writer opens and commits its own.
        """
        ...

    def revert(self, writes: Sequence[Write], connection: Connection | None) -> Sequence[Receipt]:
        """Put `before` back where the row still holds `after`: the inverse of `apply`."""
        ...

    def finish(self) -> None:
        """Called when a pass is done, and after a rollback: a file is put in place here."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
