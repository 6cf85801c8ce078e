"""Keeps a worker within the calls that all workers of a pass share."""

from __future__ import annotations

import math

from kclassify.core.passes import Pass
from kclassify.core.run import Run
from kclassify.runner.parts import Parts


class SharedCalls:
    """Asks now and then what this worker may have in flight; nothing where they share nothing.

    A pass in one piece has all of them.
    """

    def __init__(self, parts: Parts, run: Run) -> None:
        self._parts = parts
        self._run = run
        self._total = parts.settings.shared_concurrency
        self.due_at = math.inf if self._total is None else -math.inf
        if self._total is not None:
            run.pace.allow(0)

    async def ask(self, opened: Pass) -> None:
        """Ask, and go on within what the answer allows."""
        now, settings = self._parts.clock.now(), self._parts.settings
        if self._total is None:
            return
        share = await self._parts.thread(
            self._parts.ledger.share,
            opened,
            self._total,
            self._run.pace.most_in_flight,
            now,
            settings.lease_s,
        )
        self._run.pace.allow(share.limit)
        self.due_at = now + settings.checkpoint_s
