"""A classifier that is looked at and not asked, also where the key to ask with is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kclassify.config import Settings
from kclassify.errors import UsageError
from kclassify.ports import Classifier
from kclassify.wiring import classifier_of

T = TypeVar("T")

_PLACEHOLDER = "no key: nobody is asked"


def made_unasked(make: Callable[[str | None], T]) -> T:
    """What `make` makes of no key, or else of a placeholder.

    Some providers' libraries refuse to be made without a key. Those are never asked to count, so
    that the placeholder is sent to nobody. Raises what `make` raises of no key where a placeholder
    does not help.
    """
    try:
        return make(None)
    except UsageError as error:
        try:
            return make(_PLACEHOLDER)
        except UsageError:
            raise error from None


def unasked_classifier(settings: Settings, model: str | None) -> Classifier[str]:
    """The classifier of a run; `model` is the one that was asked for. Raises `UsageError`."""
    return made_unasked(lambda key: classifier_of(settings, model, api_key=key))
