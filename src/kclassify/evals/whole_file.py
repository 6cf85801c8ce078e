"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from kclassify.errors import UsageError


def write_whole(path: Path, text: str) -> None:
    """Put a text in place of the file, whole or not at all. Raises `UsageError`."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_text(text, encoding="utf-8", newline="\n")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
