"""The second model of a cascade: which one, at what price, for what share of the items."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.classifier.model import ChosenModel, choose_model
from kclassify.classifier.prices import known_prices, price_of
from kclassify.config import Settings
from kclassify.core.figure import Figure, exactly
from kclassify.core.price import Price
from kclassify.errors import UsageError
from kclassify.estimate.assumptions import SECOND_SHARE
from kclassify.estimate.history import Past
from kclassify.estimate.question import Question
from kclassify.estimate.unasked import unasked_classifier


@dataclass(frozen=True, slots=True)
class SecondModel:
    """`why` says where it comes from, `share_from` where the share does, for people."""

    model: str
    price: Price | None
    why: str
    share: Figure
    share_from: str


def second_model(
    settings: Settings,
    question: Question,
    price: Price | None,
    past: Past | None,
    fingerprint: str,
) -> SecondModel | None:
    """The one asked for, that of `[cascade]`, or the next stronger than the one of this price.

    None where nobody names one and none is known to be stronger. `fingerprint` is that of the
    first model. Raises `ConfigError` for half a name.
    """
    found = _found(settings, question, price)
    if found is None:
        return None
    if question.share is not None:
        return SecondModel(*found, exactly(question.share), "as you say")
    below = settings.cascade.below if settings.cascade else settings.runner.min_confidence
    share = past.doubtful(fingerprint, below) if past else None
    if share is None:
        return SecondModel(*found, SECOND_SHARE, "assumed: --share says it")
    told = f"no label, or a confidence under {below:g}, in the ledger"
    return SecondModel(*found, share, told)


def with_second(settings: Settings, question: Question, first: ChosenModel) -> Settings:
    """The settings, with the model that is asked for in their cascade, where they have one.

    Raises `UsageError` for one that cannot be asked, and for the first model itself.
    """
    then = question.then
    if then is None:
        return settings
    if str(choose_model(then)) == str(first):
        raise UsageError(f"--then {then}: the first model is {first.told}: name another one")
    direct = settings.classifier.model_copy(update={"transport": "direct"})
    try:
        unasked_classifier(
            settings.model_copy(update={"cascade": None, "classifier": direct}), then
        )
    except UsageError as error:
        raise UsageError(f"--then {then}: {error}") from None
    if settings.cascade is None:
        return settings
    cascade = settings.cascade.model_copy(update={"model": then})
    return settings.model_copy(update={"cascade": cascade})


def _found(
    settings: Settings, question: Question, price: Price | None
) -> tuple[str, Price | None, str] | None:
    if question.then is not None:
        return *_named(question.then, settings), "as you say"
    if settings.cascade is not None:
        return *_named(settings.cascade.model, settings), "[cascade] model"
    stronger = next_stronger(price)
    if stronger is None:
        return None
    return stronger.model, stronger, "the next dearer of its provider: --then names another"


def _named(model: str, settings: Settings) -> tuple[str, Price | None]:
    chosen = choose_model(model)
    return str(chosen), price_of(chosen, settings.prices)


def next_stronger(price: Price | None) -> Price | None:
    """The cheapest model of the same provider that is dearer than this one; None of the dearest."""
    if price is None:
        return None
    provider = price.model.partition("/")[0]
    dearer = [
        each
        for name, each in known_prices().items()
        if name.startswith(f"{provider}/") and each.output > price.output
    ]
    return min(dearer, key=lambda each: each.output, default=None)
