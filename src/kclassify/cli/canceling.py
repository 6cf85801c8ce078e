"""Has batches ended before their time: `kclassify batches --cancel`, and after a stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio

from kclassify.cli.batch_course import many
from kclassify.cli.output import warn
from kclassify.cli.wording import verb
from kclassify.config import Settings
from kclassify.core.batch import BatchStatus, RemoteBatch
from kclassify.core.decision import Halt
from kclassify.ports import Batches, Classifier
from kclassify.runner.batch_reading import batches_of
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
    return anyio.run(_cancel, classifier, batches_of(classifier), flying)


def warn_of_unsure(found: Sequence[BatchReport]) -> int:
    """Say that those on their way cannot be cancelled yet; how many they are."""
    count = sum(each.status is BatchStatus.INTENT for each in found)
    if count:
        go = verb(count, "is on its way", "are on their way")
        warn(f"{many(count)} {go} and cannot be cancelled yet: a step, or --read, looks for it")
    return count


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
