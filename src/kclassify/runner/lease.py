"""Keeps a worker's lease alive, in real time and in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from kclassify.core.availability import Breaker
from kclassify.core.passes import Pass
from kclassify.errors import DatabaseError
from kclassify.events import logger
from kclassify.runner.parts import Parts


class Heartbeat:
    """Prolongs the lease three times in its length, also while a long transaction runs.

    Each time it asks what the other workers of the run know of an outage: `on_news` gets the pass
    as it was then, and the breaker when it is another than that pass has. A database that does not
    answer is tried again: the run's own calls will report it.
    """

    def __init__(
        self,
        parts: Parts,
        opened: Callable[[], Pass],
        on_loss: Callable[[], None],
        on_news: Callable[[Pass, Breaker], None],
    ) -> None:
        self._parts = parts
        self._opened = opened
        self._on_loss = on_loss
        self._on_news = on_news

    async def beat(self) -> None:
        """Until the lease is lost, or the task is cancelled."""
        is_ours = True
        while is_ours:
            await anyio.sleep(self._parts.settings.lease_s / 3)
            is_ours = await self._is_ours()
        self._on_loss()

    async def _is_ours(self) -> bool:
        opened = self._opened()
        try:
            breaker = await self._parts.lease_thread(self._prolong, opened)
        except DatabaseError as error:
            logger.warning("the lease could not be prolonged, and will be tried again: %s", error)
            return True
        if breaker is not None and breaker != opened.breaker:
            self._on_news(opened, breaker)
        return breaker is not None

    def _prolong(self, opened: Pass) -> Breaker | None:
        """The breaker that the workers of the run share; None when the lease is lost."""
        ledger, now = self._parts.ledger, self._parts.clock.now()
        is_ours = ledger.heartbeat(opened, now, self._parts.settings.lease_s)
        return ledger.breaker(opened.run) if is_ours else None
