from __future__ import annotations

import pytest

from kclassify.cli.demo_corpus import shipped_corpus
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


def test_the_halves_of_the_corpus_share_no_article_and_every_category() -> None:
    corpus = shipped_corpus()
    ids = [article.id for article in (*corpus.learned, *corpus.relabelled)]
    assert len(ids) == len(set(ids)) >= 220
    categories = [{a.gold for a in half} for half in (corpus.learned, corpus.relabelled)]
    assert categories[0] == categories[1]
