"""What a classifier says of its cost, and what a budget makes of that."""

from __future__ import annotations

from kclassify.core.budget import Budget
from kclassify.core.item import Item
from kclassify.core.passes import Pass
from kclassify.core.warming import Warming
from kclassify.core.window import PROBE
from kclassify.errors import UsageError
from kclassify.ports.asking import Metered
from kclassify.runner.parts import Parts


def refuse_unpriced(parts: Parts) -> None:
    """Raise `UsageError` for a budget where nobody can say what a call costs at most."""
    if parts.settings.budget is None:
        return
    classifier = parts.classifier
    if not isinstance(classifier, Metered) or classifier.worst_case(PROBE) is None:
        raise UsageError(
            f"[runner] budget_usd is set, and there is no price of {classifier.model}: give "
            f'[prices."{classifier.model}"], or leave out budget_usd'
        )


def budget_of(parts: Parts, opened: Pass) -> Budget:
    """The budget of a step on this pass."""
    settled = opened.elsewhere + opened.settled
    classifier = parts.classifier
    worst_case = classifier.worst_case if isinstance(classifier, Metered) else _unknown
    return Budget(parts.settings.budget, worst_case, settled)


def _unknown(_: Item) -> None:
    """The worst case of a classifier that knows no prices."""


def warming_of(parts: Parts, opened: Pass) -> Warming:
    """Whether the provider's cache is warm as a step on this pass begins."""
    classifier = parts.classifier
    seconds = classifier.warms_cache if isinstance(classifier, Metered) else None
    answered = opened.last_call_at
    # The provider counts from when it read the prompt, which is no longer ago than a call lasts.
    return Warming(seconds, None if answered is None else answered - parts.timeout_s)


def advice_on(parts: Parts, opened: Pass) -> tuple[str, ...]:
    """What people should know of the cost of a pass before its first call."""
    is_first = opened.shard is None or opened.shard.number == 1
    if not is_first or opened.elsewhere + opened.settled or opened.breaker.snoozes:
        return ()
    return parts.classifier.advice if isinstance(parts.classifier, Metered) else ()
