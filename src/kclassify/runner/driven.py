"""What drives a pass, or its shard, to a decision."""

from __future__ import annotations

from typing import Protocol

from kclassify.core.decision import Decision
from kclassify.core.passes import Pass


class Driven(Protocol):
    """A step of a run: one that asks item by item, or one that asks in batches."""

    @property
    def opened(self) -> Pass:
        """The pass as it is by now."""
        ...

    async def drive(self) -> Decision:
        """Work until there is a decision; raises what source, ledger or writer raised."""
        ...

    def stop(self, reason: str) -> None:
        """Have it end soon, with what it has."""
        ...
