"""Looks at items, ledger and prices, and reckons what a run would cost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import anyio

from kclassify.classifier.model import ChosenModel, choose_model
from kclassify.classifier.prices import price_of
from kclassify.config import Settings
from kclassify.core.spending import Spending
from kclassify.estimate.history import History, open_past
from kclassify.estimate.look import Look, look_at
from kclassify.estimate.question import Question
from kclassify.estimate.reckoning import Estimate, Reckoning
from kclassify.estimate.second_model import second_model, with_second
from kclassify.estimate.tokens import Measured, measure
from kclassify.estimate.unasked import unasked_classifier
from kclassify.estimate.worst import worst_of
from kclassify.ports import Classifier
from kclassify.wiring import open_stores


def estimate(
    settings: Settings, question: Question, tell: Callable[[int], None] = lambda _: None
) -> Estimate:
    """Read the items once, ask the provider to count, and reckon. Nothing is paid or stored.

    `tell` hears how many items were read. Raises `UsageError`, `SourceError`, `DatabaseError`.
    """
    chosen = choose_model(question.model, settings.classifier.model)
    settings = with_second(settings, question, chosen)
    alone = settings.model_copy(update={"cascade": None})
    whole = unasked_classifier(settings, question.model)
    first = unasked_classifier(alone, question.model)
    price = price_of(chosen, settings.prices)
    with (
        open_stores(settings) as stores,
        closing(stores.source),
        open_past(settings.ledger_url) as past,
    ):
        look = look_at(
            stores.source,
            lambda digests: past.answered(digests, whole.fingerprint) if past else (),
            question.sample,
            tell=tell,
        )
        measured = anyio.run(_measure, first, whole, look, chosen, settings)
        history = past.history(first.fingerprint) if past else History()
        second = second_model(settings, question, price, past, first.fingerprint)
        spent = past.spending(settings.run.name) if past else Spending()
        source = stores.source.description
    reckoning = Reckoning(settings, question, chosen, price, measured, history, second)
    found = reckoning.of(look, first.taxonomy.labels, spent, source)
    return replace(found, worst=worst_of(whole, look.sample))


async def _measure(
    first: Classifier[str],
    whole: Classifier[str],
    look: Look,
    chosen: ChosenModel,
    settings: Settings,
) -> Measured:
    try:
        return await measure(first, look.sample, chosen, settings.classifier)
    finally:
        await first.aclose()
        await whole.aclose()
