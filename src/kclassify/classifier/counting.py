"""Counts the tokens of requests as the provider would, which costs nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import anyio

from kclassify.classifier.batch_endpoint import Asker
from kclassify.classifier.batch_failure import UNREADABLE, Endpoint
from kclassify.classifier.request_body import RequestBodies
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.verdict import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    import anthropic

    from kclassify.classifier.model import ChosenModel
    from kclassify.classifier.provider import InstructorProvider
    from kclassify.classifier.redaction import Redaction
    from kclassify.prompt import Prompt

_AT_ONCE = 10
_WAITS_S = (0.5, 1.0, 2.0)
"""Before each time that a question is asked again, where the provider names no time."""
_LONGEST_WAIT_S = 30.0
_BUSY = frozenset({OutcomeKind.THROTTLED, OutcomeKind.UNAVAILABLE})
_ENDPOINT = Endpoint("a request to count tokens", quotes_items=True)
_ANY = Item(key=0, body="x")
_SHARED = ("system", "output_config")


@dataclass(frozen=True, slots=True)
class NotCounted:
    """There is no count, and `reason` says why in one line."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class TokenCounter:
    """Asks Anthropic how many tokens a request has, over the connections of the classifier.

    Each question has `timeout_s` seconds, and ten are asked at once. One that the provider is too
    busy for is asked three times more, after as long as it says, if that is 30 seconds at most.
    `wait` waits so many seconds.
    """

    provider: InstructorProvider
    connected: Callable[[], InstructorProvider]
    model: ChosenModel
    prompt: Prompt
    redaction: Redaction
    timeout_s: float = 30.0
    wait: Callable[[float], Awaitable[None]] = anyio.sleep

    async def count(self, items: Sequence[Item]) -> list[int] | NotCounted:
        """Input tokens of the first request about each item, all that is sent with it included."""
        return await self._counted([self._asked(item) for item in items])

    async def prefix(self) -> int | NotCounted:
        """Tokens of what all requests begin with: instructions, categories and schema."""
        whole = self._asked(_ANY)
        bare = {name: value for name, value in whole.items() if name not in _SHARED}
        counts = await self._counted([whole, bare])
        return counts if isinstance(counts, NotCounted) else counts[0] - counts[1]

    async def _counted(self, bodies: Sequence[Mapping[str, Any]]) -> list[int] | NotCounted:
        counts = [0] * len(bodies)
        failed: list[NotCounted] = []
        places = iter(range(len(bodies)))

        async def ask_on() -> None:
            for place in places:
                count = await self._count(bodies[place])
                if isinstance(count, NotCounted):
                    failed.append(count)
                    group.cancel_scope.cancel()
                    return
                counts[place] = count

        async with anyio.create_task_group() as group:
            for _ in range(min(_AT_ONCE, len(bodies))):
                group.start_soon(ask_on)
        return failed[0] if failed else counts

    async def _count(self, body: Mapping[str, Any]) -> int | NotCounted:
        async def ask(library: anthropic.AsyncAnthropic) -> int | None:
            told = await library.messages.count_tokens(**body)
            tokens: object = getattr(told, "input_tokens", None)
            return tokens if isinstance(tokens, int) else None

        tokens = await self._asker.ask(ask, _ENDPOINT)
        for usual_s in _WAITS_S:
            wait_s = _waits(tokens, usual_s)
            if wait_s is None:
                break
            await self.wait(wait_s)
            tokens = await self._asker.ask(ask, _ENDPOINT)
        if isinstance(tokens, int):
            return tokens
        if isinstance(tokens, Halt):
            return NotCounted(tokens.reason)
        reason = UNREADABLE if tokens is None else tokens.detail
        return NotCounted(f"{self.model.provider} does not count tokens now: {reason}")

    def _asked(self, item: Item) -> Mapping[str, Any]:
        body = json.loads(self._bodies.of(item))
        return {name: value for name, value in body.items() if name != "max_tokens"}

    @cached_property
    def _asker(self) -> Asker:
        return Asker(self.connected, self.model, self.redaction, self.timeout_s)

    @cached_property
    def _bodies(self) -> RequestBodies:
        return RequestBodies(self.provider, self.prompt)


def _waits(told: object, usual_s: float) -> float | None:
    """Seconds until the same is asked again; None where that would be of no use."""
    if not isinstance(told, Outcome) or told.kind not in _BUSY:
        return None
    wait_s = told.retry_after_s or usual_s
    return wait_s if wait_s <= _LONGEST_WAIT_S else None


async def count_tokens(classifier: object, items: Sequence[Item]) -> list[int] | NotCounted:
    """Input tokens of the first request about each item, as its provider counts them.

    What the classifier's provider has no endpoint for, or will not tell, is not counted.
    """
    counter = _counter(classifier)
    return counter if isinstance(counter, NotCounted) else await counter.count(items)


async def prefix_tokens(classifier: object) -> int | NotCounted:
    """Tokens of what all of the classifier's requests begin with, as its provider counts them."""
    counter = _counter(classifier)
    return counter if isinstance(counter, NotCounted) else await counter.prefix()


def _counter(classifier: object) -> TokenCounter | NotCounted:
    found = getattr(classifier, "token_counter", None)
    if isinstance(found, TokenCounter):
        return found
    model = getattr(classifier, "model", "this classifier")
    return NotCounted(f"{model} has no endpoint that counts tokens")
