from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from kclassify.classifier import LocalClassifier
from kclassify.cli import demonstration
from kclassify.cli.demo_corpus import Article, shipped_corpus, snapshot
from kclassify.cli.demo_evaluation import SAMPLE_SIZE, label_sample, write_suite
from kclassify.core.item import Item
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome
from kclassify.evals.planner import labels_to_certify
from kclassify.evals.sample_file import read_rows
from kclassify.evals.suite import load_suite
from tests.cli.place import Place

pytest.importorskip("statsmodels", reason="the extra `evals` is not installed")


def test_the_demo_shows_the_whole_loop_and_undoes_it(place: Place) -> None:
    ended = place.run("demo", "--json")
    assert (ended.status, ended.err) == (0, "")
    facts = ended.json
    assert facts["held"] is True
    assert facts["seconds"] < 60
    assert facts["rollback"]["restored"] is True
    assert facts["rollback"]["reverted"] == facts["after_commit"]["changed"] > 0
    assert facts["after_commit"]["right"] > facts["corpus"]["right"]
    assert facts["commit_interrupted"]["decision"]["reason"] == "max_items is reached"
    assert [facts[name]["calls"] for name in ("commit", "commit_again")] == [0, 0]
    assert list(place.folder.iterdir()) == []


def test_the_gate_refuses_before_the_evaluation_and_lets_write_after_it(place: Place) -> None:
    facts = place.run("demo", "--json").json
    gate, evaluation = facts["gate"], facts["evaluation"]
    assert gate["refused_before"].startswith("evals/gate.json: no such gate record")
    assert gate["verdict"] == "pass"
    assert evaluation["writes"]["lower"] >= evaluation["target"]
    assert evaluation["labelled"] == facts["sample"]["rows"] == SAMPLE_SIZE
    assert facts["sample"]["proposals"] > SAMPLE_SIZE
    for name in ("commit_interrupted", "commit", "commit_again"):
        assert facts[name]["pass"]["override"] is None
        assert facts[name]["pass"]["gate"]


def test_what_is_written_is_what_the_gate_certified_not_what_the_settings_allow(
    place: Place,
) -> None:
    facts = place.run("demo", "--json").json
    assert facts["after_commit"]["changed"] == facts["evaluation"]["impact"]["writes"]
    assert facts["after_commit"]["changed"] < facts["sample"]["proposals"]
    assert facts["commit"]["warnings"] == [
        "the gate certified confidence 0.5, which holds over min_confidence 0.4"
    ]


def test_the_steps_are_readable(place: Place) -> None:
    ended = place.run("demo")
    assert (ended.status, ended.err) == (0, "")
    titles = re.findall(r"^\d\. (.*)$", ended.out, re.MULTILINE)
    assert [title.partition(" --")[0].partition(",")[0] for title in titles] == [
        "The corpus",
        "kclassify dry-run",
        "kclassify commit",
        "kclassify sample",
        "kclassify eval",
        "kclassify commit",
        "kclassify commit",
        "kclassify rollback",
    ]
    assert "Refused: evals/gate.json: no such gate record" in ended.out
    assert "A real run asks for 90% with a chance of at most 10%" in ended.out
    assert "that takes 128 labelled writes, if 95% of them are right." in ended.out
    assert "Every row is as it was." in ended.out


def test_wrong_labels_keep_the_gate_shut_and_nothing_is_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mislabel(path: Path, gold: Mapping[str, str]) -> None:
        label_sample(path, dict.fromkeys(gold, "quote"))

    monkeypatch.setattr(demonstration, "label_sample", mislabel)
    ended = place.run("demo", "--keep", "kept", "--json")
    assert ended.status == 1
    assert ended.json["held"] is False
    assert ended.json["gate"]["verdict"] != "pass"
    assert ended.json["gate"]["threshold"] is None
    now = snapshot(place.folder / "kept").labels
    assert now == {article.id: article.current for article in shipped_corpus().relabelled}


def test_a_kept_demo_goes_on_with_the_ordinary_commands(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KCLASSIFY_RUNNER_MIN_CONFIDENCE", "2")
    assert place.run("demo", "--keep", "kept", "--json").status == 0
    monkeypatch.delenv("KCLASSIFY_RUNNER_MIN_CONFIDENCE")
    monkeypatch.chdir(place.folder / "kept")
    ended = place.run("commit", "--json")
    assert ended.status == 0
    assert ended.json["calls"] == 0
    assert ended.json["pass"]["changes"]["written"] > 0
    assert place.run("rollback").status == 0
    assert place.run("eval", "--check").status == 0
    assert place.run("eval").status == 0
    monkeypatch.chdir(place.folder)
    again = place.run("demo", "--keep", "kept")
    assert again.status == 2
    assert "is there already" in again.err


def test_a_kept_demo_says_what_to_do_next(place: Place) -> None:
    ended = place.run("demo", "--keep", "kept")
    assert "Next, in kept:\n  kclassify commit " in ended.out
    rows = read_rows(place.folder / "kept" / "evals" / "sample.jsonl")
    assert {row.gold_status for row in rows} == {"agreed"}
    assert json.loads((place.folder / "kept" / "evals" / "gate.json").read_text("utf-8"))


def test_without_the_extra_it_is_one_line(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        del name

    monkeypatch.setattr("kclassify.evals.extra.find_spec", nothing)
    ended = place.run("demo")
    assert (ended.status, ended.out) == (2, "")
    assert "pip install 'kclassify[evals]'" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_the_parts_of_the_corpus_share_no_article_and_every_category() -> None:
    corpus = shipped_corpus()
    ids = [article.id for article in (*corpus.learned, *corpus.relabelled)]
    assert len(ids) == len(set(ids)) >= 220
    assert len(corpus.learned) > len(corpus.relabelled) >= 100
    categories = [{a.gold for a in part} for part in (corpus.learned, corpus.relabelled)]
    assert categories[0] == categories[1]


@pytest.mark.slow
def test_what_the_suite_asks_for_is_planned_on_the_examples_alone(place: Place) -> None:
    corpus = shipped_corpus()
    gate = load_suite(write_suite(place.folder)).gate
    judged = out_of_fold(Taxonomy.from_toml(corpus.taxonomy), corpus.learned)
    sure = [is_right for confidence, is_right in judged if confidence >= 0.6]
    assert (sum(sure), len(sure)) == (18, 23)
    in_table = len(sure) * len(corpus.relabelled) / len(corpus.learned)
    needed = labels_to_certify(sum(sure) / len(sure), gate.write_precision, gate.delta)
    assert needed == 10 < in_table
    assert labels_to_certify(sum(sure) / len(sure), 0.6, gate.delta) == 22 > in_table


def out_of_fold(taxonomy: Taxonomy[str], examples: tuple[Article, ...]) -> list[tuple[float, bool]]:
    """Of the examples that a classifier fitted on four of five parts would write: how sure it is
    of each, and whether it is right.
    """
    place = {a.id: n for gold in taxonomy.labels for n, a in enumerate(of(examples, gold))}
    found: list[tuple[float, bool]] = []
    for fold in range(5):
        learned = [
            (Item(a.id, a.body, a.title), a.gold) for a in examples if place[a.id] % 5 != fold
        ]
        fitted = LocalClassifier[str].fit(taxonomy, learned)
        for article in (a for a in examples if place[a.id] % 5 == fold):
            outcome = anyio.run(fitted.judge, Item(article.id, article.body, article.title))
            assert isinstance(outcome, Outcome)
            assert outcome.verdict is not None
            if outcome.verdict.label != article.current:
                found.append((outcome.verdict.confidence, outcome.verdict.label == article.gold))
    return found


def of(examples: tuple[Article, ...], gold: str) -> list[Article]:
    return [a for a in examples if a.gold == gold]
