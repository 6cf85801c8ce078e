"""Reads a file that defines the categories."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, cast

from kclassify.core.taxonomy import Taxonomy
from kclassify.errors import TaxonomyError


def read_taxonomy(path: Path) -> Taxonomy[str]:
    """The taxonomy in a TOML file. Raises `TaxonomyError`, which names file and category."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TaxonomyError(f"{path}: no such file; `kclassify init` writes one") from None
    except UnicodeDecodeError as error:
        raise TaxonomyError(f"{path}: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise TaxonomyError(f"{path}: cannot be read: {error.strerror}") from None
    unwritten = _without_definition(text)
    if len(unwritten) > 1:
        raise TaxonomyError(
            f"{path}: {len(unwritten)} categories still need a definition: {', '.join(unwritten)} "
            "(or `retired = true`, where nothing may move to them any more)"
        )
    try:
        return Taxonomy.from_toml(text)
    except TaxonomyError as error:
        raise TaxonomyError(f"{path}: {error}") from None


def _without_definition(text: str) -> list[str]:
    """The names of the active categories whose definition is empty, as `init` leaves them."""
    try:
        entries: Any = tomllib.loads(text).get("category", [])
    except tomllib.TOMLDecodeError:
        return []
    if not isinstance(entries, list):
        return []
    tables = [
        cast("dict[str, Any]", e) for e in cast("list[object]", entries) if isinstance(e, dict)
    ]
    return [
        repr(table.get("name", "?"))
        for table in tables
        if not table.get("retired") and table.get("definition", "") == ""
    ]
