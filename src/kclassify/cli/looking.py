"""Tells that the source is still being looked at: until that is done there is nothing to count."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event, Thread

from kclassify.cli.plain_progress import INTERVAL_S
from kclassify.cli.wording import duration


@contextmanager
def looking(
    write: Callable[[str], None], *, quiet: bool = False, interval_s: float | None = None
) -> Generator[Callable[[], None]]:
    """Write a line every ten seconds, until what it yields is called or the context ends.

    The lines come from a thread of their own: a database that counts lets nobody else speak.
    """
    seconds, over, began = interval_s or INTERVAL_S, Event(), time.monotonic()

    def tell() -> None:
        while not over.wait(seconds):
            write(f"looking at the source, {duration(time.monotonic() - began)} so far")

    thread = Thread(target=tell, name="kclassify-looking", daemon=True)
    if not quiet:
        thread.start()
    try:
        yield over.set
    finally:
        over.set()
        if not quiet:
            thread.join()
