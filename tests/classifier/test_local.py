from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import numpy as np
import pytest

from kclassify.classifier import LocalClassifier
from kclassify.classifier.local_file import write_model
from kclassify.classifier.local_fit import fit_model
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.taxonomy import Category, Taxonomy
from kclassify.core.verdict import OutcomeKind, Usage, Verdict
from kclassify.errors import MissingExtra, TaxonomyError, UsageError
from kclassify.ports import Metered
from tests.classifier.taxonomy import TAXONOMY, Topic
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORDS = {
    Topic.PLAYBOOK: "step run then restart the server check and finish",
    Topic.INSIGHT: "lesson holds because systems grow beyond plans",
    Topic.QUOTE: "said once that programs are poems -- somebody",
}


def examples(count: int = 12) -> list[tuple[Item | str, str]]:
    """Shuffled words of each category, in which a word of another one strays."""
    draw = random.Random(1)
    made: list[tuple[Item | str, str]] = []
    for topic, words in WORDS.items():
        others = " ".join(text for other, text in WORDS.items() if other is not topic).split()
        for number in range(count):
            text = " ".join([*draw.sample(words.split(), 5), *draw.sample(others, 2)])
            made.append((Item(key=f"{topic}-{number}", title=text[:9], body=text), topic))
    return made


@pytest.fixture(scope="module")
def fitted() -> LocalClassifier[Topic]:
    return LocalClassifier.fit(TAXONOMY, examples())


async def verdict_of(classifier: LocalClassifier[Topic], text: str) -> Verdict[Topic]:
    outcome = await classifier.judge(Item(key=1, body=text))
    assert not isinstance(outcome, Halt)
    assert outcome.verdict is not None
    return outcome.verdict


async def test_it_says_what_the_words_say_and_costs_nothing(
    fitted: LocalClassifier[Topic],
) -> None:
    for topic, words in WORDS.items():
        verdict = await verdict_of(fitted, words)
        assert verdict.label is topic
        assert 1 / 3 < verdict.confidence <= 1
        assert verdict.usage == Usage()
        assert verdict.model == fitted.model == "local"


def test_nothing_of_it_costs_money(fitted: LocalClassifier[Topic]) -> None:
    assert isinstance(fitted, Metered)
    assert fitted.worst_case(Item(key=1, body="step " * 20_000)) == 0
    assert fitted.warms_cache is None
    assert fitted.advice == ()


@pytest.mark.parametrize("text", ["", "no such words", "ünï\ud800\x00", "step " * 20_000])
async def test_any_text_gets_an_outcome(fitted: LocalClassifier[Topic], text: str) -> None:
    outcome = await fitted.judge(Item(key=1, body=text))
    assert not isinstance(outcome, Halt)
    assert (outcome.cost, outcome.uncertain) == (0, 0)
    assert outcome.kind is (OutcomeKind.JUDGED if text else OutcomeKind.EMPTY)
    assert outcome.verdict is None or 0 <= outcome.verdict.confidence <= 1


def test_the_same_examples_and_seed_make_the_same_classifier(
    fitted: LocalClassifier[Topic],
) -> None:
    assert LocalClassifier.fit(TAXONOMY, examples()).fingerprint == fitted.fingerprint
    assert LocalClassifier.fit(TAXONOMY, examples(13)).fingerprint != fitted.fingerprint
    reseeded = LocalClassifier.fit(TAXONOMY, examples(), seed=5)
    assert reseeded.fingerprint != fitted.fingerprint


def test_the_fingerprint_holds_the_taxonomy() -> None:
    fitted = fit_model([(str(i), topic) for i, topic in [("a b", "x"), ("c d", "y")] * 2], 0)
    ones, others = (
        Taxonomy[str]("t", tuple(Category(name=name, definition=words) for name in "xy"))
        for words in ("one", "other")
    )
    assert LocalClassifier(ones, fitted).fingerprint != LocalClassifier(others, fitted).fingerprint


async def test_two_categories_and_two_examples_of_each_are_enough() -> None:
    both: list[tuple[Item | str, str]] = [
        (text, topic)
        for topic in (Topic.PLAYBOOK, Topic.QUOTE)
        for text in (WORDS[topic], f"{WORDS[topic]} again")
    ]
    fitted = LocalClassifier.fit(TAXONOMY, both)
    for topic in (Topic.PLAYBOOK, Topic.QUOTE):
        verdict = await verdict_of(fitted, WORDS[topic])
        assert verdict.label is topic
        assert verdict.confidence >= 0.5


def test_too_few_examples_name_the_category_and_the_count() -> None:
    with pytest.raises(UsageError, match=r"category 'quote' has 1 example: .* 2 or more"):
        LocalClassifier.fit(TAXONOMY, [*examples()[:24], ("said", Topic.QUOTE)])
    with pytest.raises(UsageError, match="examples of two categories, not 1"):
        LocalClassifier.fit(TAXONOMY, examples()[:12])
    with pytest.raises(UsageError, match="examples of two categories, not 0"):
        LocalClassifier.fit(TAXONOMY, [])
    with pytest.raises(UsageError, match="no words"):
        LocalClassifier.fit(TAXONOMY, [(".", topic) for topic in list(Topic) * 2])


@pytest.mark.parametrize("label", ["convention", "tip"])
def test_a_label_that_is_no_active_category_is_named(label: str) -> None:
    with pytest.raises(TaxonomyError, match=f"labelled '{label}', which is not an active category"):
        LocalClassifier.fit(TAXONOMY, [*examples(), ("text", label)])


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kclassify.classifier.local_model.find_spec", {}.get)
    with pytest.raises(MissingExtra, match=r"pip install 'kclassify\[local\]'"):
        LocalClassifier.fit(TAXONOMY, examples())


READ_BACK = """
import sys, anyio
from kclassify.classifier import LocalClassifier
from kclassify.core.item import Item
from tests.classifier.taxonomy import TAXONOMY
local = LocalClassifier.load(sys.argv[1], TAXONOMY)
for body in sys.argv[2:]:
    verdict = anyio.run(local.judge, Item(key=1, body=body)).verdict
    print(repr(str(verdict.label)), repr(verdict.confidence))
print(local.fingerprint)
"""


def test_another_process_reads_the_same_verdicts_back(
    fitted: LocalClassifier[Topic], tmp_path: Path
) -> None:
    path = tmp_path / "local.model"
    fitted.save(path)
    texts = [*WORDS.values(), "step lesson said"]
    ran = subprocess.run(
        [sys.executable, "-c", READ_BACK, str(path), *texts],
        check=True,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    verdicts = [anyio.run(verdict_of, fitted, text) for text in texts]
    expected = [f"{str(v.label)!r} {v.confidence!r}" for v in verdicts]
    assert ran.stdout.splitlines() == [*expected, fitted.fingerprint]
    assert [entry.name for entry in tmp_path.iterdir()] == ["local.model"]


def test_it_knows_the_texts_that_it_was_fitted_on_again_from_its_file_too(
    fitted: LocalClassifier[Topic], tmp_path: Path
) -> None:
    path = tmp_path / "local.model"
    fitted.save(path)
    learned, _ = examples()[0]
    assert isinstance(learned, Item)
    renamed = Item(key="another key", title=learned.title, body=learned.body, current="insight")
    for classifier in (fitted, LocalClassifier.load(path, TAXONOMY)):
        assert classifier.was_fitted_on(renamed) is True
        assert classifier.was_fitted_on(Item(key=1, body=f"{learned.body}.")) is False


def test_a_file_that_does_not_say_what_it_was_fitted_on_is_read_and_says_so(
    fitted: LocalClassifier[Topic], tmp_path: Path
) -> None:
    path = tmp_path / "local.model"
    write_model(replace(fitted._fitted, seen=None), path)
    read = LocalClassifier.load(path, TAXONOMY)
    assert read.fingerprint == fitted.fingerprint
    assert read.was_fitted_on(Item(key=1, body="step")) is None


def test_a_file_of_another_taxonomy_names_the_category(
    fitted: LocalClassifier[Topic], tmp_path: Path
) -> None:
    fitted.save(tmp_path / "local.model")
    without = Taxonomy[str](
        "less",
        tuple(
            c.model_copy(update={"retired": c.name in {"quote", "convention"}})
            for c in TAXONOMY.categories
        ),
    )
    with pytest.raises(TaxonomyError, match=r"'less': .* trained on category 'quote'"):
        LocalClassifier.load(tmp_path / "local.model", without)


def _array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _other_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")


def _pickle(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, header=np.array([{"a": 1}], dtype=object))


def _text(path: Path) -> None:
    path.write_text("hello")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


FOREIGN = [_text, _empty, _array, _other_archive, _pickle, _truncated]


@pytest.mark.parametrize("spoil", FOREIGN)
def test_a_foreign_file_is_an_error_that_names_it(
    fitted: LocalClassifier[Topic], tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "local.model"
    fitted.save(path)
    spoil(path)
    with pytest.raises(UsageError, match=r"local.model: this is not a saved local classifier"):
        LocalClassifier.load(path, TAXONOMY)


@pytest.mark.parametrize("name", ["idf", "weights", "intercept", "slope", "offset", "labels"])
def test_a_changed_number_or_label_is_noticed(
    fitted: LocalClassifier[Topic], tmp_path: Path, name: str
) -> None:
    path = tmp_path / "local.model"
    fitted.save(path)
    with np.load(path) as content:
        arrays = {each: content[each].copy() for each in content.files}
    if name == "labels":
        header = json.loads(arrays["header"].tobytes())
        header["labels"] = header["labels"][::-1]
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    else:
        arrays[name].flat[0] += 1e-9
    with path.open("wb") as file:
        np.savez(file, **arrays)
    with pytest.raises(UsageError, match="it was changed after it was saved"):
        LocalClassifier.load(path, TAXONOMY)


def test_a_missing_file_and_a_folder_that_is_not_there_are_named(
    fitted: LocalClassifier[Topic], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"none.model: cannot be read: No such file"):
        LocalClassifier.load(tmp_path / "none.model", TAXONOMY)
    with pytest.raises(UsageError, match=r"none.model: cannot be written: No such file"):
        fitted.save(tmp_path / "nowhere" / "none.model")
