"""The models that `estimate` takes: without a key, as the second of a cascade, of no items."""

from __future__ import annotations

import pytest

from kclassify.testing import StubMessagesAPI
from tests.cli.place import Place, rows

CASCADE = '[cascade]\nmodel = "claude-sonnet-5-5"\n'


def test_without_a_key_openai_is_reckoned_from_characters_and_nobody_is_asked(
    place: Place, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
    place.settle(rows(4))
    ended = place.run("estimate", "--model", "openai/gpt-5.5", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["counted_by"] == "characters"
    assert ended.json["tokens"]["request"]["value"] > 100
    assert stub.count == 0
    cascade = place.run("estimate", "--then", "openai/gpt-5.5", "--json").json
    assert cascade["second"]["model"] == "openai/gpt-5.5"
    refused = place.run("dry-run", "--model", "openai/gpt-5.5")
    assert refused.status == 2
    assert "OPENAI_API_KEY" in refused.err


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("foo/bar", "--then foo/bar: model foo/bar"),
        ("half/", "write it as provider/model"),
        ("claude-haiku-4-5", "--then claude-haiku-4-5: the first model is anthropic/claude-haiku"),
        ("local", "name a file of them as [classifier] examples"),
    ],
)
def test_a_second_model_that_cannot_be_asked_is_refused(
    place: Place, stub: StubMessagesAPI, then: str, told: str
) -> None:
    place.settle(rows(2))
    ended = place.run("estimate", "--then", then)
    assert ended.status == 2
    assert told in ended.err
    assert stub.count == 0


@pytest.mark.parametrize("command", ["estimate", "dry-run"])
def test_a_cascade_of_one_model_is_refused(
    place: Place, stub: StubMessagesAPI, command: str
) -> None:
    place.settle(rows(2), CASCADE)
    ended = place.run(command, "--model", "claude-sonnet-5-5")
    assert ended.status == 2
    assert "[cascade] model anthropic/claude-sonnet-5-5 is the first model, too" in ended.err
    assert stub.count == 0
    if command == "estimate":
        then = place.run(command, "--model", "claude-sonnet-5-5", "--then", "claude-opus-5-5")
        assert "claude-opus-5-5 (as you say)" in then.out


def test_of_no_items_nothing_is_counted(place: Place, stub: StubMessagesAPI) -> None:
    place.settle([])
    found = place.run("estimate", "--json").json
    assert (found["sampled"], found["counted_by"], found["is_cached"]) == (0, None, None)
    assert found["tokens"]["request"] is found["tokens"]["shared"] is None
    assert stub.count == 0


def test_the_cascade_of_a_run_that_is_half_done_asks_all_of_it_again(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(6))
    place.run("dry-run", "--max-items", "2")
    said = "The row of the cascade leaves out 2 items that the first model has answered: with"
    assert f"{said} [cascade] they are asked about again." in place.run("estimate").out
    settings = (place.folder / "kclassify.toml").read_text(encoding="utf-8")
    place.write("kclassify.toml", settings + CASCADE)
    with_cascade = place.run("estimate", "--json").json
    assert with_cascade["answered"] == 0
    assert not [line for line in with_cascade["remarks"] if "leaves out" in line]
