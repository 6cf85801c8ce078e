"""What `estimate` says before a run, held against the bill of that run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect

from kclassify.core.price import NANODOLLARS
from kclassify.testing import Rule, StubMessagesAPI, WrongLabel
from tests.cli.place import TAXONOMY, Place, Rows, rows, rule

CHEAP = """
[prices."anthropic/claude-haiku-4-5"]
input = 1
output = 5
cache_write = 1.25
cache_read = 0.1
batch_factor = 0.5
min_cache_tokens = 100
"""
FILE = """
[run]
name = "file"

[source]
path = "articles.jsonl"
title = "title"
"""


def varied(count: int) -> Rows:
    """Articles of very different lengths."""
    words = ("playbook", "pattern")
    return [
        (i, f"article {i} is a {words[i % 2]} " + "and so on " * (i * 7 % 120), None)
        for i in range(1, count + 1)
    ]


def way(estimate: Any, name: str) -> Any:
    return next(each for each in estimate["ways"] if each["way"] == name)


def holds(figure: Any, truth: float) -> bool:
    held: bool = figure["low"] <= truth <= figure["high"]
    return held


def billed(stub: StubMessagesAPI) -> float:
    return sum(line.nanodollars or 0 for line in stub.bill.lines) / NANODOLLARS


@pytest.mark.parametrize("has_key", [True, False])
def test_the_estimate_is_within_a_tenth_of_the_bill_and_its_interval_holds_it(
    place: Place, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch, has_key: bool
) -> None:
    place.settle(varied(150))
    with monkeypatch.context() as patched:
        if not has_key:
            patched.delenv("ANTHROPIC_API_KEY")
        found = place.run("estimate", "--sample", "60", "--json").json
    assert found["counted_by"] == ("provider" if has_key else "characters")
    assert stub.count == (62 if has_key else 0)
    assert place.run("dry-run").status == 0
    usd = way(found, "plain")["usd"]
    assert usd["value"] == pytest.approx(billed(stub), rel=0.1)
    assert holds(usd, billed(stub))


@pytest.mark.parametrize("share", [1 / 1.35, 1.35])
def test_characters_tell_the_bill_within_the_interval_whatever_the_tokenizer_makes_of_them(
    place: Place, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    place.settle(varied(40))
    with StubMessagesAPI(Rule(rule), characters_per_token=4 * share) as provider:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
        with monkeypatch.context() as patched:
            patched.delenv("ANTHROPIC_API_KEY")
            found = place.run("estimate", "--json").json
        assert place.run("dry-run").status == 0
        usd, bill = way(found, "plain")["usd"], billed(provider)
    assert holds(usd, bill)
    assert usd["value"] == pytest.approx(bill * share, rel=0.1)


def test_questions_that_were_asked_twice_are_reckoned_with_where_the_second_reply_was_of_use(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(varied(160))
    one_by_one = ("--max-concurrency", "1")  # else chance says which texts, and what they cost
    stub.script([WrongLabel(), None, None] * 40)  # every second text is asked twice
    assert place.run("dry-run", "--max-items", "80", *one_by_one).status == 0
    found, before = place.run("estimate", "--json").json, billed(stub)
    stub.script([WrongLabel(), None, None] * 40)
    assert place.run("dry-run", *one_by_one).status == 0
    usd, bill = way(found, "plain")["usd"], billed(stub) - before
    assert usd["value"] == pytest.approx(bill, rel=0.1)
    assert holds(usd, bill)


def test_cached_is_what_a_run_costs_that_keeps_its_prefix_warm(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(varied(40), CHEAP)
    stub.clear()
    found = place.run("estimate", "--sample", "40", "--output-tokens", "10", "--json").json
    assert found["is_cached"]
    assert found["chosen"] == "cached"
    assert place.run("dry-run").status == 0
    plain, cached = way(found, "plain")["usd"], way(found, "cached")["usd"]
    assert cached["value"] < plain["value"] / 2


def test_copies_empty_bodies_and_what_is_answered_cost_nothing(
    any_place: Place, stub: StubMessagesAPI
) -> None:
    copies = [(i, "a pattern that is copied", None) for i in range(100, 108)]
    any_place.settle([*rows(12), *copies, (200, " ", None)])
    fresh = any_place.run("estimate", "--json").json
    assert (fresh["items"], fresh["empty"], fresh["answered"]) == (21, 1, 0)
    assert fresh["texts"]["value"] == fresh["sampled"] == 13
    assert "7 copies of others; 13 to ask about" in any_place.run("estimate").out
    any_place.run("dry-run", "--max-items", "12")
    half = any_place.run("estimate", "--json").json
    assert (half["answered"], half["texts"]["value"]) == (12, 1)
    assert half["spent_usd"] == billed(stub)
    assert holds(half["tokens"]["reply"], half["tokens"]["reply"]["value"])
    any_place.run("dry-run")
    done = any_place.run("estimate")
    assert "Nothing is left to ask about." in done.out
    assert "The run has cost $0.0" in done.out


def test_an_estimate_pays_nothing_and_writes_nothing(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(4))
    before = sorted(path.name for path in place.folder.iterdir())
    assert place.run("estimate").status == 0
    assert billed(stub) == 0
    engine = create_engine(place.url)
    assert inspect(engine).get_table_names() == ["articles"]
    engine.dispose()
    assert sorted(path.name for path in place.folder.iterdir()) == before


def test_an_unknown_price_is_told_and_never_as_nothing(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(4))
    arguments = ("estimate", "--model", "claude-unheard-of")
    shown = place.run(*arguments).out
    assert 'give [prices."anthropic/claude-unheard-of"]' in shown
    assert "$0" not in shown
    found = place.run(*arguments, "--json").json
    assert found["price"] is None
    assert {each["usd"] for each in found["ways"]} == {None}
    assert way(found, "plain")["hours"]["value"] > 0


def test_the_cascade_takes_its_second_model_and_its_share_from_whoever_says_it(
    place: Place, stub: StubMessagesAPI
) -> None:
    doubtful = [(i, f"a doubtful pattern {i}", None) for i in range(100, 104)]
    place.settle([*rows(4), *doubtful, *[(i, f"new {i}", None) for i in range(200, 204)]])
    assumed = place.run("estimate", "--json").json["second"]
    assert (assumed["share"]["value"], assumed["share_from"]) == (0.3, "assumed: --share says it")
    place.run("dry-run", "--max-items", "8")
    learned = place.run("estimate", "--json").json["second"]
    assert learned["share"]["value"] == 0.5
    settings = (place.folder / "kclassify.toml").read_text(encoding="utf-8")
    place.write("kclassify.toml", settings + '[cascade]\nmodel = "claude-opus-4-5"\n')
    set_up = place.run("estimate", "--json").json
    assert set_up["chosen"] == "cascade"
    assert (set_up["second"]["model"], set_up["second"]["why"]) == (
        "anthropic/claude-opus-4-5",
        "[cascade] model",
    )
    asked = ("--then", "claude-sonnet-4-5", "--share", "0.25")
    said = place.run("estimate", *asked, "--json").json["second"]
    assert (said["model"], said["share"]["low"]) == ("anthropic/claude-sonnet-4-5", 0.25)


def test_the_provider_that_cannot_count_is_named_and_the_interval_is_wider(
    place: Place, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.settle(rows(8))
    counted = place.run("estimate", "--json").json["tokens"]["request"]
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    reckoned = place.run("estimate", "--json").json
    assert "ANTHROPIC_API_KEY" in reckoned["not_counted_because"]
    request = reckoned["tokens"]["request"]
    assert request["value"] == pytest.approx(counted["value"], rel=0.02)
    assert request["low"] == pytest.approx(0.65 * request["value"], rel=0.02)
    assert request["high"] == pytest.approx(1.35 * request["value"], rel=0.02)


def test_limits_and_latency_make_the_time(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(60))
    quick = place.run("estimate", "--latency-s", "2", "--json").json
    assert way(quick, "plain")["hours"]["value"] == pytest.approx(60 * 2 / 4 / 3600)
    slow = place.run("estimate", "--latency-s", "2", "--requests-per-minute", "6", "--json").json
    assert way(slow, "plain")["hours"]["value"] == pytest.approx(10 / 60)


def test_a_file_is_estimated_too_and_the_embedded_classifier_is_free(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.write("taxonomy.toml", TAXONOMY)
    lines = [{"id": f"kb-{i}", "title": "t", "body": body} for i, body, _ in rows(9)]
    place.write("articles.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    place.write("kclassify.toml", FILE)
    before = sorted(path.name for path in place.folder.iterdir())
    found = place.run("estimate", "--sample", "5", "--json").json
    assert sorted(path.name for path in place.folder.iterdir()) == before
    assert (found["items"], found["texts"]["value"], found["sampled"]) == (9, 9, 5)
    examples = [{"body": body, "gold": body.rpartition(" ")[2]} for _, body, _ in rows(30)]
    place.write("examples.jsonl", "".join(json.dumps(line) + "\n" for line in examples))
    place.write("kclassify.toml", f'{FILE}[classifier]\nexamples = "examples.jsonl"\n')
    local = place.run("estimate", "--model", "local", "--json").json
    assert [(each["way"], each["usd"]["value"], each["hours"]) for each in local["ways"]] == [
        ("plain", 0, None)
    ]
    assert "local asks nobody, and is free" in place.run("estimate", "--model", "local").out


@pytest.mark.slow
@pytest.mark.parametrize("has_key", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_the_estimate_of_the_knowledge_corpus_is_within_a_tenth_of_its_bill(
    place: Place,
    stub: StubMessagesAPI,
    monkeypatch: pytest.MonkeyPatch,
    shared_data: Path,
    has_key: bool,
) -> None:
    place.write("taxonomy.toml", TAXONOMY)
    place.write("kclassify.toml", FILE)
    with (shared_data / "knowledge-dev.jsonl").open(encoding="utf-8") as corpus:
        articles = [json.loads(line) for line in corpus]
    kept = ("id", "title", "body")
    lines = [{name: each[name] for name in kept} | {"current": None} for each in articles]
    place.write("articles.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    with monkeypatch.context() as patched:
        if not has_key:
            patched.delenv("ANTHROPIC_API_KEY")
        found = place.run("estimate", "--json").json
    assert place.run("dry-run", "--max-concurrency", "40").status == 0
    usd = way(found, "plain")["usd"]
    assert usd["value"] == pytest.approx(billed(stub), rel=0.1)
    assert holds(usd, billed(stub))
