"""Classifiers: over a language model, embedded, one after the other. No provider is imported."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kclassify.classifier.cascade import Cascade
    from kclassify.classifier.classifier import Classifier
    from kclassify.classifier.local import LocalClassifier
    from kclassify.classifier.model import ChosenModel, choose_model

_HOMES = {
    "Cascade": "cascade",
    "ChosenModel": "model",
    "Classifier": "classifier",
    "LocalClassifier": "local",
    "choose_model": "model",
}

__all__ = ["Cascade", "ChosenModel", "Classifier", "LocalClassifier", "choose_model"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
