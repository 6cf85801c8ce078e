"""Where items come from: a table of a database, or a file of JSON Lines or CSV."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.sources.file import CsvSource, JsonlSource, open_source
    from kclassify.sources.filters import Filter
    from kclassify.sources.sql import SqlSource

_HOMES = {
    "CsvSource": "file",
    "Filter": "filters",
    "JsonlSource": "file",
    "SqlSource": "sql",
    "open_source": "file",
}

__all__ = ["CsvSource", "Filter", "JsonlSource", "SqlSource", "open_source"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
