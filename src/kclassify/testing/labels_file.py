"""Files of labels by body digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, TypeAdapter, ValidationError

from kclassify.testing.item_text import body_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Labelled(BaseModel):
    """A label, with a confidence in [0, 1] when the file gives one."""

    label: str
    confidence: float | None = None


class _Line(Labelled):
    digest: str | None = None
    body: str | None = None


_OBJECT = TypeAdapter(dict[str, Labelled | str])


def read_labels(path: Path) -> dict[str, Labelled]:
    """The labels of a `.json` or JSON Lines file by body digest.

    Raises FileNotFoundError, or ValueError with one line that names the file and the fault.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8") from None
    if path.suffix == ".json":
        return _read_object(path, text)
    return dict(_read_line(path, *numbered) for numbered in _numbered(text))


def _read_object(path: Path, text: str) -> dict[str, Labelled]:
    try:
        entries = _OBJECT.validate_json(text)
    except ValidationError as error:
        raise ValueError(f"{path}: {first_fault(error)}") from None
    return {
        digest: Labelled(label=entry) if isinstance(entry, str) else entry
        for digest, entry in entries.items()
    }


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): a body may hold U+2028 unescaped, and that ends no line of JSON Lines.
    lines = enumerate(text.split("\n"), start=1)
    return ((number, line) for number, line in lines if line.strip())


def _read_line(path: Path, number: int, text: str) -> tuple[str, Labelled]:
    try:
        line = _Line.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"{path}, line {number}: {first_fault(error)}") from None
    if line.digest is not None:
        return line.digest, line
    if line.body is None:
        raise ValueError(f"{path}, line {number}: neither digest nor body")
    return body_digest(line.body), line


def first_fault(error: ValidationError) -> str:
    """The first thing wrong, as `place: what`, on one line."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    what = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {what}" if place else what
