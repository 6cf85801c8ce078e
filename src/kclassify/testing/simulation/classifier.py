"""A process's way to the simulated provider."""

from __future__ import annotations

from kclassify.core.decision import Halt
from kclassify.core.item import Item, digest_of
from kclassify.core.taxonomy import Category, Taxonomy
from kclassify.core.verdict import Outcome
from kclassify.testing.simulation.process import Process
from kclassify.testing.simulation.provider import Provider
from kclassify.testing.simulation.referee import CallInFlight, Referee

TAXONOMY = Taxonomy[str](
    "simulated",
    (
        Category(name="left", definition="goes left"),
        Category(name="right", definition="goes right"),
        Category(name="old", retired=True),
    ),
)
FINGERPRINT = digest_of(TAXONOMY.digest, "simulated")


class SimulatedClassifier:
    """Implements `kclassify.ports.Classifier`; its process may die before and after each call."""

    def __init__(self, process: Process, provider: Provider, referee: Referee) -> None:
        self.taxonomy = TAXONOMY
        self.model = "simulated"
        self.fingerprint = FINGERPRINT
        self._process = process
        self._provider = provider
        self._referee = referee

    async def judge(self, item: Item) -> Outcome[str] | Halt:
        """What the provider says of the item."""
        self._process.point()
        call = self._referee.call_begins(self._process, item)
        try:
            said = await self._provider.answer(item)
        except BaseException:
            self._end(call, None)
            raise
        self._end(call, said)
        self._process.point()
        return said

    def _end(self, call: CallInFlight, said: Outcome[str] | Halt | None) -> None:
        """A dead process hears nothing."""
        if not self._process.is_dead:
            self._referee.call_ends(call, said)

    async def aclose(self) -> None:
        """Nothing to let go of."""
