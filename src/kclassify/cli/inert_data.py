"""JSON and CSV that a terminal and a spreadsheet can be shown: nothing in them does anything."""

from __future__ import annotations

import json
import re

from kclassify.cli.wording import shown

_FORMULA = re.compile(r"\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]")


def json_text(value: object, *, indent: int | None = None) -> str:
    """The value as JSON in which whatever could not be seen is an escape."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return "\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n"))


def _escaped(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def csv_cell(value: object) -> object:
    """A number as it is; a text on one line, after an apostrophe where it could be a formula."""
    if not isinstance(value, str):
        return value
    text = shown(value)
    return f"'{text}" if _FORMULA.match(value) else text
