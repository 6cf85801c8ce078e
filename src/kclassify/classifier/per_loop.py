"""Keeps what belongs to an event loop apart from that of others, and closes it as its loop ends."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One thing for each event loop: made when it is asked for there, kept until it is closed.

    Loops may run at once, each in a thread of its own.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> None:
        self._make, self._close = make, close
        self._kept: dict[object, tuple[T, AsyncGenerator[None]]] = {}

    def here(self) -> T:
        """That of the loop that runs here."""
        loop = anyio.lowlevel.current_token()
        if loop not in self._kept:
            made = self._make()
            self._kept[loop] = made, _until_loop_end(partial(self._end, loop, made))
        return self._kept[loop][0]

    async def aclose(self) -> None:
        """Close that of the loop that runs here, where there is one."""
        kept = self._kept.get(anyio.lowlevel.current_token())
        if kept is not None:
            await kept[1].aclose()

    async def _end(self, loop: object, made: T) -> None:
        del self._kept[loop]
        await self._close(made)


def _until_loop_end(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """Closes something when it is closed itself.

    An event loop closes the asynchronous generators that were begun in it before it ends.
    """

    async def closing() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await close()

    generator = closing()
    with suppress(StopIteration):
        generator.__anext__().__await__().send(None)
    return generator
