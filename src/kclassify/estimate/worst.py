"""What one call can cost at most: with a budget it is made only where that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.core.item import Item
from kclassify.ports import AsksInBatches, Classifier, Metered


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst cases of calls about some texts, from the least to the most, in nanodollars."""

    least: int
    most: int


def worst_of(classifier: Classifier[str], items: Sequence[Item]) -> Worst | None:
    """Those of the calls, or of the requests in batches; None of no items or without a price."""
    cases = [_worst(classifier, item) for item in items]
    known = [case for case in cases if case is not None]
    return Worst(min(known), max(known)) if known and len(known) == len(cases) else None


def _worst(classifier: Classifier[str], item: Item) -> int | None:
    batches = classifier.batches if isinstance(classifier, AsksInBatches) else None
    if batches is not None:
        return batches.request(item).worst
    return classifier.worst_case(item) if isinstance(classifier, Metered) else None
