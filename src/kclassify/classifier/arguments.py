"""Checks what a `Classifier` is made of."""

from __future__ import annotations

from kclassify.classifier.model import ANTHROPIC, ChosenModel, choose_model
from kclassify.core.batch import BatchLimits
from kclassify.errors import ConfigError


def language_model(model: str | ChosenModel | None) -> ChosenModel:
    """The model, that of the environment for None. Raises `ConfigError` for the embedded one."""
    chosen = model if isinstance(model, ChosenModel) else choose_model(model)
    if chosen.is_local:
        raise ConfigError("model 'local' is the embedded classifier: use LocalClassifier")
    return chosen


def batch_limits(model: ChosenModel, limits: BatchLimits | None) -> BatchLimits:
    """How batches are made. Raises `ConfigError` for a model that takes none."""
    if model.provider != ANTHROPIC:
        raise ConfigError(f"model {model.told}: batches are for Anthropic's models")
    return limits or BatchLimits()


def check_positive(**settings: float) -> None:
    """Raises `ConfigError`, which names the setting that is not more than 0."""
    for name, value in settings.items():
        if not value > 0:
            raise ConfigError(f"{name} is more than 0, not {value}")
