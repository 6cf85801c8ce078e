"""`kclassify eval` with the embedded classifier on real labelled texts, through its own files.

The knowledge corpus is labelled by where its texts come from, so a class is also a source: what is
found on texts of the same sources says little about a new corpus. It is evaluated both ways.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.place import Place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
Row = dict[str, Any]
SUITE = """
[run]
sample = "sample.jsonl"

[[variant]]
name = "embedded"
model = "local"
taxonomy = "taxonomy.toml"
examples = "examples.jsonl"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, "")


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def save(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def evaluated(place: Place, learned: list[Row], sample: list[Row]) -> Row:
    """The evaluation of a classifier that is fitted on some rows and scored on others."""
    known = sorted({row["gold"] for row in [*learned, *sample]} | {"convention"})
    blocks = [f'[[category]]\nname = "{name}"\ndefinition = "{name}"\n' for name in known]
    place.write("taxonomy.toml", 'name = "real"\n' + "".join(blocks))
    place.write("suite.toml", SUITE)
    save(place.folder / "examples.jsonl", [{k: r.get(k) for k in EXAMPLE} for r in learned])
    save(place.folder / "sample.jsonl", sample)
    ended = place.run("eval", "suite.toml", "--json", "--report", "report")
    assert ended.status in {0, 1, 3}, ended.err
    assert (place.folder / "report" / "report.html").stat().st_size > 20_000
    found: Row = ended.json
    return found


EXAMPLE = ("title", "body", "gold")


def told(name: str, found: Row) -> None:
    """The figures of an evaluation, on standard output (`pytest -s`)."""
    for each in [*found["variants"], *found["baselines"]]:
        accuracy, macro = each["scores"]["accuracy"], each["scores"]["macro_f1"]
        print(
            f"{name}: {each['name']}: {each['scores']['answered']} rows, accuracy "
            f"{accuracy['estimate']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f}), "
            f"macro-F1 {macro['estimate']:.3f} ({macro['low']:.3f} to {macro['high']:.3f})"
        )
    print(f"{name}: threshold {found['threshold']['certified']}: {found['gate']['sentence']}")


def accuracy_of(found: Row, name: str) -> Row:
    scored = [*found["variants"], *found["baselines"]]
    accuracy: Row = next(e for e in scored if e["name"] == name)["scores"]["accuracy"]
    return accuracy


@pytest.fixture
def articles(shared_data: Path) -> list[Row]:
    """The knowledge corpus, each article once, its source as its cluster."""
    rows = read(shared_data / "knowledge-dev.jsonl")
    first = {(row["title"], row["body"]): row for row in reversed(rows)}
    found = [
        {
            **{key: row[key] for key in ("id", "title", "body", "current")},
            "gold": row["label"],
            "cluster_id": row["source"],
        }
        for row in first.values()
    ]
    random.Random(0).shuffle(found)
    return found


def unclustered(rows: list[Row]) -> list[Row]:
    return [{key: value for key, value in row.items() if key != "cluster_id"} for row in rows]


@pytest.mark.nightly
def test_on_texts_of_the_same_sources_it_is_right_and_better_than_the_stale_labels(
    place: Place, articles: list[Row]
) -> None:
    half = len(articles) // 2
    found = evaluated(place, articles[:half], unclustered(articles[half:]))
    told("knowledge, same sources", found)
    assert accuracy_of(found, "embedded")["low"] > 0.90
    assert accuracy_of(found, "leave it as it is")["high"] < 0.87
    assert accuracy_of(found, "embedded classifier")["low"] > 0.85
    assert found["impact"]["better"]["estimate"] > 3 * found["impact"]["worse"]["estimate"]


@pytest.mark.nightly
def test_on_sources_that_it_has_not_seen_it_is_not_and_may_not_write(
    place: Place, articles: list[Row]
) -> None:
    sources: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in articles:
        sources[row["gold"]][row["cluster_id"]] += 1
    apart = {max(c, key=lambda name: c[name]) for c in sources.values() if len(c) > 1}
    learned = [row for row in articles if row["cluster_id"] not in apart]
    unseen = [row for row in articles if row["cluster_id"] in apart]
    found = evaluated(place, learned, unseen)
    told("knowledge, unseen sources", found)
    assert accuracy_of(found, "embedded")["estimate"] < 0.6
    assert found["gate"]["verdict"] != "pass"


@pytest.mark.nightly
def test_on_seventy_seven_intents_it_is_right_as_often_as_is_known_of_such_a_model(
    place: Place, shared_data: Path
) -> None:
    seen: Counter[str] = Counter()
    parts: dict[str, list[Row]] = {"train": [], "test": []}
    texts: set[str] = set()
    for number, row in enumerate(read(shared_data / "banking77.jsonl")):
        is_wanted = row["split"] == "test" or seen[row["label"]] < 50
        text = " ".join(row["text"].casefold().split())
        if is_wanted and text not in texts:
            texts.add(text)
            seen[row["label"]] += row["split"] == "train"
            made = {"id": f"q{number}", "body": row["text"], "gold": row["label"]}
            parts[row["split"]].append(made)
    found = evaluated(place, parts["train"], parts["test"])
    told("banking77", found)
    accuracy = accuracy_of(found, "embedded")
    assert accuracy["low"] < 0.86 < accuracy["high"] + 0.02
    assert len(found["variants"][0]["scores"]["classes"]) >= 77
    assert found["threshold"]["certified"] is not None
