from __future__ import annotations

import pytest

from kclassify.classifier.from_settings import Costs, make_classifier
from kclassify.classifier.unconnected import fingerprint_from_settings
from kclassify.config import ClassifierSettings
from kclassify.config.settings import CascadeSettings
from kclassify.errors import ConfigError
from tests.classifier.taxonomy import TAXONOMY

HAIKU = "anthropic/claude-haiku-4-5"
CASCADE = CascadeSettings(model="openai/gpt-5-mini", below=0.6)


@pytest.mark.parametrize("cascade", [None, CASCADE], ids=["one", "cascade"])
@pytest.mark.parametrize(
    "settings",
    [
        ClassifierSettings(model=HAIKU),
        ClassifierSettings(model=HAIKU, may_abstain=True, max_tokens=77, max_body_chars=500),
    ],
    ids=["defaults", "other"],
)
def test_it_is_the_fingerprint_of_what_is_made(
    settings: ClassifierSettings, cascade: CascadeSettings | None
) -> None:
    costs = Costs(cascade=cascade)
    made = make_classifier(TAXONOMY, settings, None, 10, costs, api_key="made up")
    assert fingerprint_from_settings(TAXONOMY, settings, cascade) == made.fingerprint


def test_no_key_is_needed_and_a_model_is() -> None:
    openai = ClassifierSettings(model="openai/gpt-5-mini")
    found = fingerprint_from_settings(TAXONOMY, openai)
    assert found != fingerprint_from_settings(TAXONOMY, ClassifierSettings(model=HAIKU))
    with pytest.raises(ConfigError, match="is the first model, too"):
        fingerprint_from_settings(TAXONOMY, openai, CASCADE)
