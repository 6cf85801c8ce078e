from __future__ import annotations

import json

import pytest

from kclassify.config import load_settings
from kclassify.testing import Hang, StubMessagesAPI
from kclassify.wiring import open_stores
from tests.cli.place import TAXONOMY, Place, rows

LOCAL = '[classifier]\nmodel = "local"\nexamples = "examples.jsonl"\nartifact = "local.model"\n'


def examples(place: Place) -> None:
    lines = [
        {"body": f"{word} number {i} about {word}s", "gold": word}
        for i in range(12)
        for word in ("playbook", "pattern")
    ]
    place.write("examples.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("ledger", ["", '[ledger]\nurl = "sqlite:///./articles.db"\n'])
def test_one_database_serves_source_writer_and_ledger(place: Place, ledger: str) -> None:
    place.settle(rows(1), ledger)
    with open_stores(load_settings()) as stores:
        assert stores.writer.database == stores.ledger.database.identity


def test_a_ledger_of_its_own_is_created_and_keeps_the_source_clean(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(4), '[ledger]\nurl = "sqlite:///own.db"\n')
    with open_stores(load_settings()) as stores:
        assert stores.writer.database != stores.ledger.database.identity
    before = place.labels()
    assert place.run("commit", "--override", "a test").status == 0
    assert place.labels() != before
    assert b"kclassify_run" not in (place.folder / "articles.db").read_bytes()
    assert place.run("rollback").status == 0
    assert place.labels() == before


def test_extra_columns_and_filters_reach_the_table(place: Place, stub: StubMessagesAPI) -> None:
    extra = '[writer]\nreclassified_from = "title"\n[source.filter]\nid = [1, 2]\n'
    place.settle(rows(4), extra)
    assert place.run("commit", "--override", "a test").status == 0
    assert stub.count == 2
    assert list(place.labels().values()) == ["pattern", "playbook", "convention", "convention"]
    assert place.column("title") == ["convention", "convention", None, None]


def test_a_file_for_the_labels_of_a_table_is_refused(place: Place) -> None:
    place.settle(rows(1), '[writer]\npath = "new.jsonl"\n')
    ended = place.run("status")
    assert ended.status == 2
    ended = place.run("rollback")
    assert (ended.status, "[writer] path" in ended.err) == (2, True)


def test_the_model_of_the_argument_wins(
    place: Place, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.settle(rows(1))
    monkeypatch.setenv("KCLASSIFY_MODEL", "claude-of-the-environment")
    facts = place.run("dry-run", "--json", "--model", "claude-asked-for").json
    assert facts["pass"]["model"] == "anthropic/claude-asked-for"
    facts = place.run("dry-run", "--json").json
    assert facts["pass"]["model"] == "anthropic/claude-of-the-environment"


def test_the_openai_wire_is_a_matter_of_settings(
    place: Place, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai")
    place.settle(rows(2), f'[classifier]\nmodel = "openai/any"\nbase_url = "{stub.url}/v1"\n')
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
    assert place.run("dry-run").status == 0
    assert {request.path for request in stub.requests} == {"/v1/chat/completions"}


def test_instructions_replace_those_of_the_prompt(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(1), '[classifier]\ninstructions = "how.txt"\n')
    place.write("how.txt", "Sort these letters by temper.\n")
    assert place.run("dry-run").status == 0
    assert "Sort these letters by temper." in json.dumps(stub.requests[0].body)


def test_the_local_classifier_is_fitted_once_and_loaded_after(place: Place) -> None:
    pytest.importorskip("sklearn")
    place.settle(rows(6), LOCAL)
    examples(place)
    first = place.run("dry-run", "--json")
    assert first.status == 0, first.err
    (place.folder / "examples.jsonl").unlink()
    again = place.run("commit", "--override", "a test", "--min-confidence", "0.5", "--json")
    assert (again.status, again.json["calls"]) == (0, 0)
    assert "convention" not in place.labels().values()


def test_another_worker_on_the_run_gets_75_and_the_name_of_the_holder(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(4))
    stub.set_fault(Hang())
    process = place.start("dry-run")
    try:
        stub.wait_until(lambda state: state.in_flight == 4, timeout_s=60)
        ended = place.run("dry-run", "--json")
        assert ended.status == 75
        assert ended.json["decision"]["kind"] == "superseded"
        assert f":{process.pid}:" in ended.json["decision"]["holder"]
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_an_artifact_of_other_categories_is_named_with_the_way_out(place: Place) -> None:
    pytest.importorskip("sklearn")
    place.settle(rows(6), LOCAL)
    examples(place)
    assert place.run("dry-run").status == 0
    place.write("taxonomy.toml", TAXONOMY.replace('"pattern"', '"shape"'))
    ended = place.run("dry-run")
    assert ended.status == 2
    assert "local.model: " in ended.err
    assert "'pattern'" in ended.err
    assert "delete this file, and the next run fits it again" in ended.err
