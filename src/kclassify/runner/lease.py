"""Keeps a worker's lease alive, in real time and in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from kclassify.core.passes import Pass
from kclassify.errors import DatabaseError
from kclassify.events import logger
from kclassify.runner.parts import Parts


class Heartbeat:
    """Prolongs the lease three times in its length, also while a long transaction runs.

    A database that does not answer is tried again: the run's own calls will report it.
    """

    def __init__(
        self, parts: Parts, opened: Callable[[], Pass], on_loss: Callable[[], None]
    ) -> None:
        self._parts = parts
        self._opened = opened
        self._on_loss = on_loss

    async def beat(self) -> None:
        """Until the lease is lost, or the task is cancelled."""
        is_ours = True
        while is_ours:
            await anyio.sleep(self._parts.settings.lease_s / 3)
            is_ours = await self._is_ours()
        self._on_loss()

    async def _is_ours(self) -> bool:
        try:
            return await self._parts.lease_thread(self._prolong)
        except DatabaseError as error:
            logger.warning("the lease could not be prolonged, and will be tried again: %s", error)
            return True

    def _prolong(self) -> bool:
        now = self._parts.clock.now()
        return self._parts.ledger.heartbeat(self._opened(), now, self._parts.settings.lease_s)
