"""Has batches ended before their time: `kclassify batches --cancel`, and after a stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio

from kclassify.config import Settings
from kclassify.core.batch import BatchStatus, RemoteBatch
from kclassify.core.decision import Halt
from kclassify.errors import UsageError
from kclassify.ports import AsksInBatches, Batches, Classifier
from kclassify.store.batch_reports import BatchReport
from kclassify.wiring import classifier_of


def cancel_all(
    settings: Settings, found: Sequence[BatchReport], model: str | None = None
) -> Mapping[str, str | None]:
    """Cancel those that the provider has: by the provider's name the problem, None where none is.

    `model` is the one that was asked for. Raises `UsageError` where it takes no batches.
    """
    names = [each.remote_id for each in found if each.status is BatchStatus.SENT]
    flying = [name for name in names if name is not None]
    if not flying:
        return {}
    classifier = classifier_of(settings.model_copy(update={"cascade": None}), model)
    return anyio.run(_cancel, classifier, _batches_of(classifier), flying)


def _batches_of(classifier: Classifier[str]) -> Batches:
    batches = classifier.batches if isinstance(classifier, AsksInBatches) else None
    if batches is None:
        raise UsageError(f"model {classifier.model} takes no batches, so there are none to cancel")
    return batches


async def _cancel(
    classifier: Classifier[str], batches: Batches, names: Sequence[str]
) -> dict[str, str | None]:
    try:
        return {name: _problem(await batches.cancel(name)) for name in names}
    finally:
        await classifier.aclose()


def _problem(said: object) -> str | None:
    if isinstance(said, RemoteBatch):
        return None
    return said.reason if isinstance(said, Halt) else str(getattr(said, "detail", said))
