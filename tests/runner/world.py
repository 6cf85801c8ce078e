"""A small world for runner tests: two categories, rows in memory, a clock that tests own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kclassify import (
    Item,
    Outcome,
    OutcomeKind,
    ReclassifyRunner,
    RunnerSettings,
)
from kclassify.events import Event
from kclassify.ports import Canary, Gate, Tranches
from kclassify.runner.machine import Machine
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_table import MemoryTable
from kclassify.testing.scripted import Answer, Script, ScriptedClassifier
from kclassify.testing.virtual_clock import VirtualClock
from tests.small import TAXONOMY

E = TypeVar("E", bound=Event)


def rows(count: int, *, current: str | None = "old") -> list[Item]:
    return [Item(key=n, body=f"text of row {n}", current=current) for n in range(1, count + 1)]


def failing(kind: OutcomeKind, **rest: object) -> Outcome[str]:
    return Outcome(kind, detail=f"made {kind}", **rest)  # type: ignore[arg-type]


@dataclass
class World:
    """Everything that a run touches, kept over several runners, as a database would be."""

    items: Iterable[Item] = field(default_factory=lambda: rows(20))
    script: Script = lambda _: "left"
    settings: RunnerSettings = field(default_factory=lambda: RunnerSettings(max_concurrency=4))
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        self.table = MemoryTable(self.items)
        self.ledger = MemoryLedger()
        self.clock = VirtualClock()
        self.events: list[Event] = []
        self.classifier = ScriptedClassifier(TAXONOMY, self._answer)

    def _answer(self, item: Item) -> Answer:
        return self.script(item)  # type: ignore[return-value]

    def runner(
        self,
        *,
        gate: Gate | None = None,
        canary: Canary | None = None,
        tranches: Tranches | None = None,
        machine: Machine | None = None,
        **changes: object,
    ) -> ReclassifyRunner:
        settings = self.settings.model_copy(update=changes)
        return ReclassifyRunner(
            source=self.table,
            classifier=self.classifier,
            ledger=self.ledger,
            writer=self.table,
            name="test",
            settings=settings,
            timeout_s=self.timeout_s,
            gate=gate,
            canary=canary,
            tranches=tranches,
            clock=self.clock,
            machine=machine,
            listeners=[self.events.append],
        )

    @property
    def asked(self) -> list[Any]:
        return [item.key for item in self.classifier.asked]

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]
