"""A classifier whose answers are written down, for tests without HTTP."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio.lowlevel

from kclassify.core.decision import Halt
from kclassify.core.item import Item, digest_of
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict, judged

Answer = str | Outcome[str] | Halt
_USAGE = Usage(input_tokens=100, output_tokens=10)
Script = Callable[[Item], Answer | Awaitable[Answer]]
Price = Callable[[Item], int]
"""Nanodollars of a call for an item."""


class ScriptedClassifier:
    """Answers each item by a function: a label (with `confidence`), an outcome, a `Halt`.

    The function may be async, to take time or to hang. `asked` holds the items in the order in
    which they were asked (not with `keep_asked=False`), `in_flight` and `most_in_flight` how many
    at once. `version` goes into the fingerprint: change it to play another model.

    With a `worst` it is `kclassify.ports.asking.Metered`: that is the most nanodollars that a call
    for an item costs, and an answer costs `cost`, or the worst case where that is not given.
    """

    def __init__(  # noqa: PLR0913  # what it plays, all by keyword
        self,
        taxonomy: Taxonomy[str],
        script: Script,
        *,
        confidence: float = 0.9,
        usage: Usage = _USAGE,
        version: str = "1",
        keep_asked: bool = True,
        worst: Price | None = None,
        cost: Price | None = None,
        warms_cache: float | None = None,
        advice: tuple[str, ...] = (),
    ) -> None:
        self.taxonomy = taxonomy
        self.model = "scripted"
        self.version = version
        self._keep_asked = keep_asked
        self.asked: list[Item] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._script = script
        self._confidence = confidence
        self._usage = usage
        self.worst = worst
        self.cost = cost
        self.warms_cache = warms_cache
        self.advice = advice

    def worst_case(self, item: Item) -> int | None:
        """The most nanodollars that a call for this item costs; None when no price is known."""
        return None if self.worst is None else self.worst(item)

    @property
    def fingerprint(self) -> str:
        """A digest of the taxonomy, the model and the version."""
        return digest_of(*self.fingerprint_parts.values())

    @property
    def fingerprint_parts(self) -> dict[str, str]:
        """What the fingerprint is a digest of; the version plays the parameters."""
        return {
            "taxonomy": self.taxonomy.digest,
            "model": self.model,
            "parameters": self.version,
        }

    async def judge(self, item: Item) -> Outcome[str] | Halt:
        """What the script says of the item."""
        if self._keep_asked:
            self.asked.append(item)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await anyio.lowlevel.checkpoint()
            answer = self._script(item)
            said = self._outcome(await answer if inspect.isawaitable(answer) else answer)
            return self._billed(item, said) if isinstance(said, Outcome) else said
        finally:
            self.in_flight -= 1

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _billed(self, item: Item, outcome: Outcome[str]) -> Outcome[str]:
        """The outcome with what it cost: nothing where the provider did not answer."""
        price = self.cost or self.worst
        if price is None or outcome.cost is not None:
            return outcome
        return replace(outcome, cost=price(item) if outcome.usage != Usage() else 0)

    def _outcome(self, answer: Answer) -> Outcome[str] | Halt:
        if not isinstance(answer, str):
            return answer
        if answer not in self.taxonomy.labels:
            return Outcome(OutcomeKind.INVALID, detail="a label outside the taxonomy")
        return judged(Verdict(answer, self._confidence, self.model, self._usage))
