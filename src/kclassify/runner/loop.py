"""Waking an event loop from another thread or from a signal handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.lowlevel


class EventLoop:
    """The event loop of the task that makes it."""

    def __init__(self) -> None:
        self._native: Any = anyio.lowlevel.current_token().native_token

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call it in the loop; safe from threads and from signal handlers, and never blocking."""
        is_asyncio = hasattr(self._native, "call_soon_threadsafe")
        schedule = "call_soon_threadsafe" if is_asyncio else "run_sync_soon"
        getattr(self._native, schedule)(function)
