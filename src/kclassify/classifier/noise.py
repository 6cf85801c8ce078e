"""Keeps what the libraries log of our calls out of an application's log.

instructor tells of every failed call, and at debugging level both it and the provider's library
log requests and replies whole: the item's text with them. The HTTP library tells of the URL of
each, which may hold a password, and at debugging level of headers, which may hold a key.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Made here where instructor makes them late, with the module that uses them.
_LATE = ("instructor", "instructor.auto_client", "instructor.v2", "instructor.v2.retry")
_ours: ContextVar[bool] = ContextVar("a call of kclassify is under way", default=False)


def _keep(record: logging.LogRecord) -> bool:
    is_told = record.name.split(".")[0] != "instructor" and record.levelno > logging.DEBUG
    return is_told or not _ours.get()


def _keep_without_password(record: logging.LogRecord) -> bool:
    if _ours.get() and isinstance(record.args, tuple):
        record.args = tuple(map(_bare, record.args))
    return True


def _bare(told: object) -> object:
    """A URL without its user and password; anything else as it is."""
    copy_with: Any = getattr(told, "copy_with", None)
    return copy_with(userinfo=b"") if copy_with and getattr(told, "userinfo", b"") else told


def hush(library: str = "anthropic") -> None:
    """Make the loggers of instructor and of a provider's library drop what quotes our calls.

    What they say of anybody else's stays.
    """
    roots = ("instructor", library, "httpcore2")
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in roots]
    for name in {*names, *_LATE}:
        logging.getLogger(name).addFilter(_keep)
    logging.getLogger("httpx2").addFilter(_keep_without_password)


@contextmanager
def hushed() -> Generator[None]:
    """Marks the calls that are ours."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)
