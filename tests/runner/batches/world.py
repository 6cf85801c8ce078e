"""What a run in batches touches, kept over several runners, as a database would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from kclassify import Item, ReclassifyRunner, RunnerSettings
from kclassify.core.batch import BatchLimits
from kclassify.core.decision import Decision, Snooze
from kclassify.events import Event
from kclassify.ports import Canary, Gate, Tranches
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_table import MemoryTable
from kclassify.testing.virtual_clock import VirtualClock
from tests.runner.batches.provider import BatchClassifier, Provider
from tests.runner.world import rows
from tests.small import TAXONOMY

E = TypeVar("E", bound=Event)
LIMITS = BatchLimits(requests=10, in_flight=2, poll_s=60.0)


@dataclass
class World:
    """A table, a ledger, a provider and the time."""

    items: Sequence[Item] = field(default_factory=lambda: rows(25))
    limits: BatchLimits = LIMITS
    settings: RunnerSettings = field(default_factory=RunnerSettings)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(idle_s=0.001)
        self.table = MemoryTable(self.items)
        self.ledger: Any = MemoryLedger()
        self.provider = Provider(self.clock, self.limits)
        self.classifier = BatchClassifier(TAXONOMY, self.provider)
        self.events: list[Event] = []

    def runner(
        self,
        *,
        gate: Gate | None = None,
        canary: Canary | None = None,
        tranches: Tranches | None = None,
        **changes: object,
    ) -> ReclassifyRunner:
        return ReclassifyRunner(
            source=self.table,
            classifier=self.classifier,
            ledger=self.ledger,
            writer=self.table,
            name="test",
            settings=self.settings.model_copy(update=changes),
            gate=gate,
            canary=canary,
            tranches=tranches,
            clock=self.clock,
            listeners=[self.events.append],
        )

    async def steps(self, **rest: Any) -> list[Decision]:
        """Step until there is a decision other than a snooze, through the snoozes."""
        decisions: list[Decision] = []
        while not decisions or isinstance(decisions[-1], Snooze):
            decisions.append(await self.runner().step(**rest))
            if isinstance(decisions[-1], Snooze):
                self.clock.advance(decisions[-1].seconds)
            assert len(decisions) < 500, decisions[-3:]
        return decisions

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def texts(self) -> list[str]:
        """The texts that are to be asked."""
        return sorted({item.body for item in self.items if not item.is_empty})

    def limit(self, **changes: Any) -> None:
        """Other limits of batches."""
        self.provider.limits = replace(self.provider.limits, **changes)
