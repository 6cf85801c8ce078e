"""One item's call: a question, and at most one more when the reply could not be used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kclassify.classifier.answer import Answer, Failure, Stop
from kclassify.classifier.mapping import Spent
from kclassify.classifier.reply import LONGEST_FAULT, fault_of
from kclassify.core.verdict import Usage

if TYPE_CHECKING:
    from kclassify.classifier.meter import Meter
    from kclassify.classifier.provider import Provider
    from kclassify.classifier.redaction import Redaction
    from kclassify.prompt import Messages

_ASK_AGAIN = (
    "Your last reply could not be used: {fault}. Reply again, with nothing but the JSON object: "
    "a category in exactly the spelling above, and a confidence between 0 and 1."
)


LONGEST_ASK_AGAIN = _ASK_AGAIN.format(fault=LONGEST_FAULT)
"""Of all that a second question can add to the first."""


def ask_again(problem: str) -> str:
    """What a model is told whose reply could not be used."""
    return _ASK_AGAIN.format(fault=fault_of(problem))


class Call:
    """`spent` is what the call has used so far, to be read also when it is cancelled."""

    def __init__(
        self, provider: Provider, messages: Messages, redaction: Redaction, meter: Meter
    ) -> None:
        self._provider = provider
        self._redaction = redaction
        self._meter = meter
        self._turns = [messages.system, messages.user]
        self.spent = Spent(body_chars_cut=messages.body_chars_cut, cost=meter.nothing, questions=0)

    async def make(self) -> Answer | Failure:
        """What came of it."""
        result = await self._ask(again=False)
        if isinstance(result, Answer) and result.problem and result.stop is Stop.ENDED:
            self._turns.append(ask_again(result.problem))
            result = await self._ask(again=True)
        return result

    async def _ask(self, *, again: bool) -> Answer | Failure:
        before = self.spent
        worst = self._meter.worst(self._turns[1], again=again)
        unseen = None if worst is None or before.uncertain is None else before.uncertain + worst
        # Until there is an answer.
        self.spent = _spent(before, before.usage, before.cost, unseen)
        result = await self._provider.ask(self._turns, self._redaction)
        if isinstance(result, Failure):
            self.spent = self.spent if result.may_be_billed else before
            return result
        self.spent = self._with(result.usage, before, unseen)
        if result.problem:
            return replace(result, problem=self._redaction.clean(result.problem))
        return result

    def _with(self, usage: Usage, before: Spent, unseen: int | None) -> Spent:
        """What is spent with this answer; one that tells of no tokens may be on the bill."""
        if usage == Usage():
            return _spent(before, before.usage, before.cost, unseen)
        cost = self._meter.cost(usage)
        known = None if before.cost is None or cost is None else before.cost + cost
        return _spent(before, before.usage + usage, known, before.uncertain)


def _spent(before: Spent, usage: Usage, cost: int | None, uncertain: int | None) -> Spent:
    """What is spent with one more question."""
    return Spent(usage, before.body_chars_cut, cost, uncertain, before.questions + 1)
