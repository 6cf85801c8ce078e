"""Keeps instructor's own logging of failed calls out of an application's log."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

# Made here where instructor makes them late, with the module that uses them.
_LATE = ("instructor", "instructor.auto_client", "instructor.v2", "instructor.v2.retry")
_ours: ContextVar[bool] = ContextVar("a call of kclassify is under way", default=False)


def _keep(record: logging.LogRecord) -> bool:
    return not _ours.get() or record.levelno < logging.WARNING


def hush() -> None:
    """Make instructor's loggers drop what they say of our calls, and of nobody else's."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "instructor"]
    for name in {*names, *_LATE}:
        logging.getLogger(name).addFilter(_keep)


@contextmanager
def hushed() -> Generator[None]:
    """Marks the calls that are ours."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)
