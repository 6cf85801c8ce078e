"""Checked by mypy and pyright as much as by running."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, assert_type

from kclassify.core.taxonomy import Taxonomy

if TYPE_CHECKING:
    from pathlib import Path

    from kclassify.canary_file import CanaryFile
    from kclassify.classifier import Cascade, Classifier, LocalClassifier
    from kclassify.core.decision import Halt
    from kclassify.core.item import Item
    from kclassify.core.verdict import Outcome, Verdict
    from kclassify.gate_file import GateFile
    from kclassify.ports import AsksInBatches, Canary, Gate, Metered
    from kclassify.ports import Classifier as ClassifierPort


class Topic(StrEnum):
    PLAYBOOK = "playbook"
    INSIGHT = "insight"


TAXONOMY = Taxonomy.of(Topic, definitions={Topic.PLAYBOOK: "steps", Topic.INSIGHT: "a lesson"})


def test_a_taxonomy_of_an_enum_is_typed_by_it() -> None:
    assert_type(TAXONOMY, Taxonomy[Topic])
    assert_type(TAXONOMY.labels, tuple[Topic, ...])
    assert_type(TAXONOMY.label("insight"), Topic)
    assert TAXONOMY.label("insight") is Topic.INSIGHT


def test_a_taxonomy_of_a_file_is_typed_by_text() -> None:
    text = 'name = "t"\n' + "".join(
        f'[[category]]\nname = "{name}"\ndefinition = "x"\n' for name in "ab"
    )
    taxonomy = Taxonomy.from_toml(text)
    assert_type(taxonomy, Taxonomy[str])
    assert taxonomy.labels == ("a", "b")


if TYPE_CHECKING:

    async def classifiers_are_typed_by_their_taxonomy(item: Item, path: Path) -> None:
        classifier = Classifier(TAXONOMY, model="claude-haiku-4-5")
        assert_type(classifier, Classifier[Topic])
        assert_type(await classifier.classify("text"), Verdict[Topic])
        assert_type((await classifier.classify("text")).label, Topic)
        assert_type(await classifier.judge(item), Outcome[Topic] | Halt)

        local = LocalClassifier.fit(TAXONOMY, [("text", Topic.INSIGHT)])
        assert_type(local, LocalClassifier[Topic])
        assert_type(LocalClassifier.load(path, TAXONOMY), LocalClassifier[Topic])
        assert_type(await local.judge(item), Outcome[Topic] | Halt)

        cascade = Cascade(port_of(local), port_of(classifier))
        assert_type(cascade, Cascade[Topic])
        assert_type(await cascade.judge(item), Outcome[Topic] | Halt)

        for port in port_of(classifier), port_of(local), port_of(cascade):
            assert_type(port, ClassifierPort[Topic])
        assert_type(labels_of(classifier), Taxonomy[str])

    def labels_of(classifier: ClassifierPort[str]) -> Taxonomy[str]:
        return classifier.taxonomy

    def port_of(classifier: ClassifierPort[Topic]) -> ClassifierPort[Topic]:
        return classifier

    def meters(
        remote: Classifier[Topic], local: LocalClassifier[Topic], cascade: Cascade[Topic]
    ) -> tuple[tuple[Metered, ...], AsksInBatches]:
        return (remote, local, cascade), remote

    def gates() -> tuple[Gate, Canary]:
        return GateFile("evals/gate.json"), CanaryFile("evals/checks.jsonl")
