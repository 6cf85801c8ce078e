"""Which model is asked, and who chose it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from kclassify.errors import ConfigError

DEFAULT_MODEL = "anthropic/claude-haiku-4-5"
LOCAL = "local"
ANTHROPIC = "anthropic"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A provider's model. `origin` says where the choice was made, for messages to people."""

    provider: str
    name: str
    origin: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}" if self.name else self.provider

    @property
    def is_local(self) -> bool:
        """Whether it is the embedded classifier, which asks nobody."""
        return self.provider == LOCAL

    @property
    def told(self) -> str:
        """The model and where it comes from, for people."""
        return f"{self} (from {self.origin})"


def choose_model(
    argument: str | None = None,
    file: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> ChosenModel:
    """The model by precedence; `environment` is the process's own unless given.

    The argument, `KCLASSIFY_MODEL`, `ANTHROPIC_CLASSIFIER_MODEL`, the file, `ANTHROPIC_MODEL`, the
    default. What is unset or empty is passed over. A name without a provider is Anthropic's;
    `local` is the embedded classifier. Raises `ConfigError` for half a name.
    """
    variables = os.environ if environment is None else environment
    candidates = (
        ("the model that was asked for", argument),
        ("KCLASSIFY_MODEL", variables.get("KCLASSIFY_MODEL")),
        ("ANTHROPIC_CLASSIFIER_MODEL", variables.get("ANTHROPIC_CLASSIFIER_MODEL")),
        ("the configuration file", file),
        ("ANTHROPIC_MODEL", variables.get("ANTHROPIC_MODEL")),
        ("the default", DEFAULT_MODEL),
    )
    origin, text = next((o, t.strip()) for o, t in candidates if t is not None and t.strip())
    return _read(text, origin)


def _read(text: str, origin: str) -> ChosenModel:
    if text == LOCAL:
        return ChosenModel(LOCAL, "", origin)
    provider, slash, name = text.partition("/")
    if not slash:
        return ChosenModel(ANTHROPIC, text, origin)
    if not provider or not name:
        raise ConfigError(f"model {text!r} (from {origin}): write it as provider/model")
    return ChosenModel(provider, name, origin)
