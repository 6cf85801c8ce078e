from __future__ import annotations

import dataclasses

import pytest

from kclassify.classifier import LocalClassifier
from kclassify.cli import demo_threshold
from kclassify.cli.demo_corpus import labelled, shipped_corpus
from kclassify.cli.demo_threshold import Judgement, Labelled, choose_threshold, out_of_fold
from kclassify.core.taxonomy import Taxonomy
from tests.cli.place import Place

pytest.importorskip("sklearn", reason="the extra `local` is not installed")


def test_the_demo_shows_the_whole_loop_and_undoes_it(place: Place) -> None:
    ended = place.run("demo", "--json")
    assert ended.status == 0, ended.err
    facts = ended.json
    assert facts["held"] is True
    assert facts["seconds"] < 60
    assert facts["rollback"]["restored"] is True
    assert facts["rollback"]["reverted"] == facts["after_commit"]["changed"] > 0
    assert facts["after_commit"]["right"] > facts["corpus"]["right"]
    assert facts["commit_interrupted"]["decision"]["reason"] == "max_items is reached"
    assert [facts[name]["calls"] for name in ("commit", "commit_again")] == [0, 0]
    assert list(place.folder.iterdir()) == []


def test_the_steps_are_readable(place: Place) -> None:
    ended = place.run("demo")
    assert ended.status == 0
    assert "\n1. The corpus\n" in ended.out
    assert "Every row is as it was." in ended.out


def test_a_kept_demo_goes_on_with_the_ordinary_commands(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KCLASSIFY_RUNNER_MIN_CONFIDENCE", "2")
    assert place.run("demo", "--keep", "kept", "--json").status == 0
    monkeypatch.delenv("KCLASSIFY_RUNNER_MIN_CONFIDENCE")
    ended = place.run("commit", "--config", "kept/kclassify.toml", "--override", "x", "--json")
    assert ended.status == 0
    assert ended.json["calls"] == 0
    assert ended.json["pass"]["changes"]["written"] > 0
    again = place.run("demo", "--keep", "kept")
    assert again.status == 2
    assert "is there already" in again.err


def test_the_parts_of_the_corpus_share_no_article_and_every_category() -> None:
    corpus = shipped_corpus()
    ids = [article.id for article in (*corpus.learned, *corpus.relabelled)]
    assert len(ids) == len(set(ids)) >= 220
    assert len(corpus.learned) > len(corpus.relabelled) >= 100
    categories = [{a.gold for a in part} for part in (corpus.learned, corpus.relabelled)]
    assert categories[0] == categories[1]


def test_the_threshold_is_chosen_without_the_articles_of_the_table(place: Place) -> None:
    corpus = shipped_corpus()
    taxonomy = Taxonomy.from_toml(corpus.taxonomy)
    judged = out_of_fold(taxonomy, labelled(corpus.learned))
    assert len(judged) == len(corpus.learned)
    chosen = choose_threshold(judged)
    facts = place.run("demo", "--json").json["classifier"]
    assert facts["threshold"] == dataclasses.asdict(chosen)
    assert "by cross-validation" in place.run("demo").out


def test_an_example_is_never_judged_by_a_classifier_that_has_learned_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fit(_: object, examples: list[Labelled]) -> list[Labelled]:
        return examples

    def judge(learned: list[Labelled], held_out: list[Labelled]) -> list[Judgement]:
        keys = {item.key for item, _ in learned}
        return [Judgement(1.0, right=item.key not in keys) for item, _ in held_out]

    monkeypatch.setattr(LocalClassifier, "fit", fit)
    monkeypatch.setattr(demo_threshold, "judgements_of", judge)
    corpus = shipped_corpus()
    found = out_of_fold(Taxonomy.from_toml(corpus.taxonomy), labelled(corpus.learned))
    assert len(found) == len(corpus.learned)
    assert all(each.right for each in found)


def judgements(right: int, wrong: int, confidence: float) -> list[Judgement]:
    return [Judgement(confidence, i < right) for i in range(right + wrong)]


def test_the_threshold_is_the_lowest_from_which_nine_of_ten_are_right() -> None:
    found = choose_threshold([*judgements(5, 5, 0.42), *judgements(18, 2, 0.62)])
    assert (found.confidence, found.right, found.sure, found.of) == (0.45, 18, 20, 30)
    assert found.reached


def test_a_threshold_that_a_few_reach_by_chance_is_not_chosen() -> None:
    found = choose_threshold([*judgements(12, 8, 0.52), *judgements(3, 0, 0.92)])
    assert (found.confidence, found.sure, found.reached) == (0.05, 23, False)
