"""A classifier that asks in batches, for its tests."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from kclassify.classifier import Classifier
from kclassify.classifier.batches import AnthropicBatches
from kclassify.core.batch import NONCE_CHARS, BatchResult, RemoteBatch
from kclassify.core.item import Item
from tests.classifier.taxonomy import KEY, TAXONOMY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kclassify.core.decision import Halt
    from kclassify.core.verdict import Outcome

NONCE = "n" * NONCE_CHARS
NOWHERE = "http://127.0.0.1:9"
ITEMS = [Item(key=key, body=f"the text of article {key}") for key in range(7)]


def batching(url: str = NOWHERE, **settings: Any) -> Classifier[Any]:
    """The classifier."""
    chosen: dict[str, Any] = {"api_key": KEY, "transport": "batch", **settings}
    return Classifier(TAXONOMY, base_url=url, **chosen)


def batches_of(classifier: Classifier[Any]) -> AnthropicBatches:
    """Who takes its batches."""
    batches = classifier.batches
    assert isinstance(batches, AnthropicBatches)
    return batches


async def created(batches: AnthropicBatches, items: Sequence[Item] = ITEMS) -> str:
    """The id of a batch of these items."""
    told = await batches.create([batches.request(item) for item in items], NONCE)
    assert isinstance(told, RemoteBatch), told
    return told.id


async def read(
    batches: AnthropicBatches, batch: str, nonce: str = NONCE
) -> list[BatchResult | Outcome[str] | Halt]:
    """All results of a batch, and what ended them too soon."""
    async with aclosing(batches.results(batch, nonce)) as results:
        return [result async for result in results]


async def settled(
    batches: AnthropicBatches, batch: str
) -> dict[str, tuple[str, Outcome[str] | Halt]]:
    """How each request of a batch ended, by its digest."""
    results = await read(batches, batch)
    ended = [result for result in results if isinstance(result, BatchResult)]
    assert len(ended) == len(results), results
    return {result.digest: (str(result.kind), result.outcome) for result in ended}
