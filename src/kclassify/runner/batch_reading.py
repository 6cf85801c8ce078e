"""Reads what has ended of all batches of a run, beside its workers."""

from __future__ import annotations

from kclassify.core.decision import Halt
from kclassify.errors import UsageError
from kclassify.ports import AsksInBatches, Batches, Classifier
from kclassify.runner.batch_arrivals import BatchArrivals
from kclassify.runner.batch_outage import BatchOutage
from kclassify.runner.batch_parts import BatchParts
from kclassify.runner.checkpointing import Checkpointing
from kclassify.runner.parts import Parts

TOLD = "batches were read"


def batches_of(classifier: Classifier[str]) -> Batches:
    """Who takes its batches. Raises `UsageError` where nobody does."""
    batches = classifier.batches if isinstance(classifier, AsksInBatches) else None
    if batches is None:
        raise UsageError(f"model {classifier.model} is not asked in batches, so there are none")
    return batches


async def read_batches(parts: Parts, run: str) -> str | None:
    """Ask after every batch of the run, and store what has ended; why the provider told no more.

    The cost is charged to a step of its own. Those that cannot be read are told, and left.
    """
    provider, ledger = batches_of(parts.classifier), parts.ledger.batches
    opened = await parts.thread(ledger.beside, run, TOLD, parts.clock.now())
    if opened is None:
        return None
    shared = BatchParts(parts, provider, Checkpointing(parts, opened), lambda: False)
    outage = BatchOutage(parts.settings.run_policy, opened.breaker)
    said = await BatchArrivals(shared, outage, is_for_all=True).take()
    if isinstance(said, Halt):
        return said.reason
    return getattr(said, "detail", None)
