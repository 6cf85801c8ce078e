"""One item's call: a question, and at most one more when the reply could not be used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kclassify.classifier.answer import Answer, Failure, Stop
from kclassify.classifier.mapping import Spent
from kclassify.classifier.reply import fault_of

if TYPE_CHECKING:
    from kclassify.classifier.provider import Provider
    from kclassify.classifier.redaction import Redaction
    from kclassify.prompt import Messages

_ASK_AGAIN = (
    "Your last reply could not be used: {fault}. Reply again, with nothing but the JSON object: "
    "a category in exactly the spelling above, and a confidence between 0 and 1."
)


def ask_again(problem: str) -> str:
    """What a model is told whose reply could not be used."""
    return _ASK_AGAIN.format(fault=fault_of(problem))


class Call:
    """`spent` is what the call has used so far, to be read also when it is cancelled."""

    def __init__(self, provider: Provider, messages: Messages, redaction: Redaction) -> None:
        self._provider = provider
        self._redaction = redaction
        self._turns = [messages.system, messages.user]
        self.spent = Spent(body_chars_cut=messages.body_chars_cut)

    async def make(self) -> Answer | Failure:
        """What came of it."""
        result = await self._ask()
        if isinstance(result, Answer) and result.problem and result.stop is Stop.ENDED:
            self._turns.append(ask_again(result.problem))
            result = await self._ask()
        return result

    async def _ask(self) -> Answer | Failure:
        result = await self._provider.ask(self._turns, self._redaction)
        if isinstance(result, Failure):
            return result
        self.spent = replace(self.spent, usage=self.spent.usage + result.usage)
        return replace(result, problem=self._redaction.clean(result.problem))
