from __future__ import annotations

from typing import Any

import pytest

from kclassify.classifier import Classifier, choose_model
from kclassify.errors import ConfigError, MissingExtra, UsageError
from tests.classifier.taxonomy import TAXONOMY

EVERYTHING = {
    "KCLASSIFY_MODEL": "ours/b",
    "ANTHROPIC_CLASSIFIER_MODEL": "theirs/c",
    "ANTHROPIC_MODEL": "theirs/e",
}
STEPS = [
    ("argument", "a/a", "the model that was asked for"),
    ("KCLASSIFY_MODEL", "ours/b", "KCLASSIFY_MODEL"),
    ("ANTHROPIC_CLASSIFIER_MODEL", "theirs/c", "ANTHROPIC_CLASSIFIER_MODEL"),
    ("file", "file/d", "the configuration file"),
    ("ANTHROPIC_MODEL", "theirs/e", "ANTHROPIC_MODEL"),
    ("default", "anthropic/claude-haiku-4-5", "the default"),
]


@pytest.mark.parametrize("taken_away", range(len(STEPS)))
@pytest.mark.parametrize("empty", ["", None, "  "])
def test_the_model_is_chosen_by_precedence_and_says_where(
    taken_away: int, empty: str | None
) -> None:
    gone = {name for name, _, _ in STEPS[:taken_away]}
    environment = {name: (empty or "") if name in gone else v for name, v in EVERYTHING.items()}
    chosen = choose_model(
        empty if "argument" in gone else "a/a",
        empty if "file" in gone else "file/d",
        environment,
    )
    _, model, origin = STEPS[taken_away]
    assert (str(chosen), chosen.origin) == (model, origin)


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_CLASSIFIER_MODEL", "claude-opus-4-1")
    assert str(choose_model()) == "anthropic/claude-opus-4-1"


@pytest.mark.parametrize(
    ("text", "provider", "name"),
    [
        ("claude-haiku-4-5", "anthropic", "claude-haiku-4-5"),
        ("openai/gpt-5-mini", "openai", "gpt-5-mini"),
        ("openrouter/meta/llama", "openrouter", "meta/llama"),
        ("local", "local", ""),
    ],
)
def test_a_bare_name_is_anthropics(text: str, provider: str, name: str) -> None:
    chosen = choose_model(text)
    assert (chosen.provider, chosen.name, str(chosen).split("/")[0]) == (provider, name, provider)
    assert chosen.is_local == (text == "local")


@pytest.mark.parametrize("text", ["openai/", "/gpt"])
def test_half_a_name_is_an_error_that_says_where_it_was(text: str) -> None:
    with pytest.raises(ConfigError, match=f"model '{text}' .from KCLASSIFY_MODEL.: write it as"):
        choose_model(environment={"KCLASSIFY_MODEL": text})


def test_the_local_model_is_another_class() -> None:
    with pytest.raises(ConfigError, match="use LocalClassifier"):
        Classifier(TAXONOMY, model="local")


def test_an_unknown_provider_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"model nosuch/m .*Unsupported provider: nosuch"):
        Classifier(TAXONOMY, model="nosuch/m")


def test_a_library_that_is_not_installed_is_named() -> None:
    with pytest.raises(MissingExtra, match=r"model groq/m .*groq"):
        Classifier(TAXONOMY, model="groq/m", api_key="x")


def test_openai_without_a_key_says_which_variable_to_set() -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        Classifier(TAXONOMY, model="openai/gpt-5-mini")


@pytest.mark.parametrize("name", ["timeout_s", "max_tokens", "max_connections", "max_body_chars"])
def test_a_setting_out_of_range_is_named(name: str) -> None:
    settings: dict[str, Any] = {name: 0}
    with pytest.raises(ConfigError, match=name):
        Classifier(TAXONOMY, api_key="x", **settings)
