from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kclassify.classifier import LocalClassifier
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.taxonomy import Category, Taxonomy
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


def halves(path: Path, label: str) -> tuple[list[tuple[Item | str, str]], ...]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    random.Random(0).shuffle(rows)
    pairs: list[tuple[Item | str, str]] = [
        (Item(key=row["id"], title=row["title"], body=row["body"]), row[label]) for row in rows
    ]
    return pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]


async def scores(
    classifier: LocalClassifier[str], rest: list[tuple[Item | str, str]]
) -> tuple[float, float, float]:
    """Accuracy, and the Brier score of the confidence with Platt's sigmoids and without."""
    right: list[float] = []
    with_platt: list[float] = []
    without: list[float] = []
    fitted = classifier._fitted
    for item, label in rest:
        assert isinstance(item, Item)
        outcome = await classifier.judge(item)
        assert not isinstance(outcome, Halt)
        assert outcome.verdict is not None
        hit = float(outcome.verdict.label == label)
        right.append(hit)
        with_platt.append((outcome.verdict.confidence - hit) ** 2)
        features = fitted._vectorizer.transform([f"{item.title}\n\n{item.body}"])
        raw = 1 / (1 + np.exp(-((features @ fitted.weights)[0] + fitted.intercept)))
        hit = float(fitted.labels[int(raw.argmax())] == label)
        without.append((float(raw.max() / raw.sum()) - hit) ** 2)
    return float(np.mean(right)), float(np.mean(with_platt)), float(np.mean(without))


@pytest.fixture(scope="module")
def on_real_texts(shared_data: Path) -> tuple[LocalClassifier[str], list[tuple[Item | str, str]]]:
    learn, rest = halves(shared_data / "knowledge-dev.jsonl", "label")
    names = sorted(Counter(label for _, label in learn))
    taxonomy = Taxonomy[str]("dev", tuple(Category(name=n, definition=n) for n in names))
    return LocalClassifier.fit(taxonomy, learn), rest


async def test_on_real_texts_it_is_right_and_knows_how_often(
    on_real_texts: tuple[LocalClassifier[str], list[tuple[Item | str, str]]],
) -> None:
    accuracy, with_platt, without = await scores(*on_real_texts)
    assert accuracy > 0.9
    assert with_platt < 0.5 * without


async def test_on_the_shipped_corpus_it_beats_the_stale_labels_by_far() -> None:
    samples = REPOSITORY / "evals" / "samples"
    taxonomy = Taxonomy.from_toml((samples / "taxonomy.toml").read_text(encoding="utf-8"))
    learn, rest = halves(samples / "articles.jsonl", "gold")
    accuracy, with_platt, without = await scores(LocalClassifier.fit(taxonomy, learn), rest)
    assert accuracy > 0.5
    assert with_platt < without
