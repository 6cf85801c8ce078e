"""How many tokens the requests have: counted by the provider, or reckoned from their characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from kclassify.classifier.connect import Connection, connect
from kclassify.classifier.counting import NotCounted, count_tokens, prefix_tokens
from kclassify.classifier.from_settings import read_instructions
from kclassify.classifier.model import ChosenModel
from kclassify.classifier.reply import reply_model
from kclassify.config import ClassifierSettings
from kclassify.core.figure import Figure, exactly
from kclassify.core.item import Item
from kclassify.core.token_estimate import APPROXIMATION_ERROR, approximate_tokens
from kclassify.estimate.unasked import made_unasked
from kclassify.ports import Classifier
from kclassify.prompt import Prompt

_TEXTS = ("system", "messages", "tools", "response_format")
"""The fields of a request that become tokens. Anthropic's text on the schema is in the system's."""
_NO_TEXT = {"cache_control", "role", "type"}


@dataclass(frozen=True, slots=True)
class Measured:
    """Tokens of the request about each item, and of what all requests begin with.

    `reason` says why they are reckoned from characters; None where the provider counted them.
    """

    requests: tuple[int, ...]
    prefix: int
    reason: str | None = None

    def within(self, figure: Figure) -> Figure:
        """A figure of such tokens, with the error that reckoning them may have."""
        return figure if self.reason is None else figure.widened(APPROXIMATION_ERROR)

    @property
    def shared(self) -> Figure:
        """Tokens of what all requests begin with."""
        return self.within(exactly(self.prefix))


async def measure(
    classifier: Classifier[str],
    items: Sequence[Item],
    chosen: ChosenModel,
    settings: ClassifierSettings,
) -> Measured:
    """The tokens of the requests that a classifier with these settings makes about items."""
    if chosen.is_local or not items:
        return Measured((0,) * len(items), 0)
    prefix = await prefix_tokens(classifier)
    counts = prefix if isinstance(prefix, NotCounted) else await count_tokens(classifier, items)
    if isinstance(prefix, int) and isinstance(counts, list):
        return Measured(tuple(counts), prefix)
    reason = counts.reason if isinstance(counts, NotCounted) else ""
    return await _approximated(classifier, items, chosen, settings, reason)


async def _approximated(
    classifier: Classifier[str],
    items: Sequence[Item],
    chosen: ChosenModel,
    settings: ClassifierSettings,
    reason: str,
) -> Measured:
    taxonomy, may_abstain = classifier.taxonomy, settings.may_abstain
    prompt = Prompt(
        taxonomy,
        instructions=read_instructions(settings.instructions),
        max_body_chars=settings.max_body_chars,
        may_abstain=may_abstain,
    )
    replies = reply_model(taxonomy, may_abstain=may_abstain)
    provider = made_unasked(lambda key: connect(chosen, replies, _connection(settings, key)))
    shared = _characters(provider.rendered([prompt.system, ""]))
    texts = [prompt.render(item).user for item in items]
    await provider.aclose()
    prefix = approximate_tokens(shared)
    return Measured(tuple(approximate_tokens(shared + text) for text in texts), prefix, reason)


def _connection(settings: ClassifierSettings, key: str | None) -> Connection:
    return Connection(
        api_key=key,
        base_url=settings.base_url,
        max_tokens=settings.max_tokens,
        max_connections=1,
        timeout_s=settings.timeout_s,
    )


def _characters(fields: Mapping[str, Any]) -> str:
    return "".join(text for name in _TEXTS for text in _strings(fields.get(name)))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        yield from _strings([inner for key, inner in fields.items() if key not in _NO_TEXT])
    elif isinstance(value, Sequence):
        for inner in cast("Sequence[object]", value):
            yield from _strings(inner)
