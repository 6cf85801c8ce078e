from __future__ import annotations

import pytest

from kclassify import Category, Taxonomy
from kclassify.core.item import Item
from kclassify.core.window import PROBE
from kclassify.prompt import Prompt
from kclassify.testing import ByInstructions, ConfusionModel, Fixed, body_digest
from kclassify.testing.item_text import ItemText, item_asked
from kclassify.testing.replies import NoAnswerError

LABELS = ("playbook", "essay", "pattern")
BODIES = {f"text {n}": "essay" for n in range(4000)}


def said(model: ConfusionModel) -> list[tuple[str, float]]:
    answers = (model.answer(ItemText(None, body), LABELS) for body in BODIES)
    return [(answer.label, answer.confidence) for answer in answers]


def test_the_mistakes_come_as_often_as_they_are_written_down() -> None:
    model = ConfusionModel(gold=BODIES, mistakes={"essay": {"playbook": 0.3, "pattern": 0.1}})
    labels = [label for label, _ in said(model)]
    assert labels.count("playbook") / len(labels) == pytest.approx(0.3, abs=0.03)
    assert labels.count("pattern") / len(labels) == pytest.approx(0.1, abs=0.02)


def test_right_and_wrong_answers_have_confidences_of_their_own() -> None:
    model = ConfusionModel(
        gold=BODIES, mistakes={"essay": {"playbook": 0.5}}, right=(0.9, 1.0), wrong=(0.6, 0.7)
    )
    for label, confidence in said(model):
        assert (0.9 if label == "essay" else 0.6) <= confidence <= (1 if label == "essay" else 0.7)


def test_the_same_seed_says_the_same_and_another_one_does_not() -> None:
    mistakes = {"essay": {"playbook": 0.5}}
    first = said(ConfusionModel(gold=BODIES, mistakes=mistakes))
    assert first == said(ConfusionModel(gold=BODIES, mistakes=mistakes))
    assert first != said(ConfusionModel(gold=BODIES, mistakes=mistakes, seed=1))


def test_an_item_is_found_by_its_digest_too() -> None:
    model = ConfusionModel(gold={body_digest("a text"): "pattern"})
    assert model.answer(ItemText("title", "a text"), LABELS).label == "pattern"


def test_an_unknown_item_gets_no_answer_and_the_probe_does() -> None:
    model = ConfusionModel(gold=BODIES)
    with pytest.raises(NoAnswerError):
        model.answer(ItemText(None, "never seen"), LABELS)
    assert model.answer(ItemText(None, PROBE.body), LABELS).confidence <= 0.1


def test_mistakes_that_are_no_probabilities_are_refused() -> None:
    with pytest.raises(ValueError, match="'essay'"):
        ConfusionModel(gold={}, mistakes={"essay": {"playbook": 0.8, "pattern": 0.3}})


@pytest.mark.parametrize(("definition", "label"), [("loose", "playbook"), ("tight", "essay")])
def test_what_is_said_can_depend_on_the_taxonomy_that_the_prompt_shows(
    definition: str, label: str
) -> None:
    taxonomy = Taxonomy[str](
        "small",
        (
            Category(name="playbook", definition=f"a {definition} word"),
            Category(name="essay", definition="thoughts"),
        ),
    )
    shown = Prompt(taxonomy).render(Item(key=1, body="a text"))
    replies = ByInstructions([("a loose word", Fixed("playbook"))], Fixed("essay"))
    item = item_asked([shown.user], shown.system)
    assert replies.answer(item, ("playbook", "essay")).label == label
