"""Closes connections when the event loop ends that they were opened in."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


def at_loop_end(close: Callable[[], Awaitable[None]], kept: set[AsyncGenerator[None]]) -> None:
    """Have the event loop that runs here close something as it ends; it is kept till then.

    An event loop ends the asynchronous generators that were begun in it, before it ends itself.
    """

    async def closing() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            kept.discard(generator)
            await close()

    generator = closing()
    if sys.get_asyncgen_hooks().firstiter is not None:
        with suppress(StopIteration):
            generator.__anext__().__await__().send(None)
        kept.add(generator)
