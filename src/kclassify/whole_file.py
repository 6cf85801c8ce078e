"""A file that is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from kclassify.errors import UsageError


def write_whole(path: Path, content: str | bytes) -> None:
    """Put a text, or bytes, in place of the file, whole or not at all, and on the disk.

    The folder is made when it is missing, and the file keeps its mode. Raises `UsageError`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.chmod(mode)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
