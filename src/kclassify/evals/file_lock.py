"""A file or a folder for one process at a time. The system lets go of it when a process dies."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kclassify.errors import SourceError

_UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextmanager
def locked(path: Path, *, waits: bool) -> Generator[bool]:
    """Whether this process has the file or folder to itself meanwhile.

    It has when it `waits` for that, and where the system knows no such locks. A file that is
    missing is made, empty. Raises `OSError` for what cannot be opened.
    """
    if sys.platform == "win32":
        yield True
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield _is_taken(descriptor, waits=waits)
    finally:
        os.close(descriptor)


@contextmanager
def folder_locked(folder: Path) -> Generator[None]:
    """Alone among all processes that write samples in this folder, which is made when missing.

    Raises `SourceError`.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(folder, waits=True))
        except OSError as error:
            raise SourceError(f"cannot write into {folder}: {error.strerror}") from None
        yield


def _is_taken(descriptor: int, *, waits: bool) -> bool:
    import fcntl  # noqa: PLC0415 - not on every platform

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
    return True
