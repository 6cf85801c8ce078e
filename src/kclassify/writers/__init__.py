"""Where changes go: a column of a table, an application's own function, or a new file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.writers.callback import CallbackWriter
    from kclassify.writers.column import ColumnWriter
    from kclassify.writers.extra import ExtraColumns
    from kclassify.writers.jsonl import JsonlWriter

_HOMES = {
    "CallbackWriter": "callback",
    "ColumnWriter": "column",
    "ExtraColumns": "extra",
    "JsonlWriter": "jsonl",
}

__all__ = ["CallbackWriter", "ColumnWriter", "ExtraColumns", "JsonlWriter"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
