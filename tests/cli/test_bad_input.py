"""Bad input: one clear line on standard error, exit status 2, nothing on standard output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kclassify.testing import StubMessagesAPI
from tests.cli.place import TAXONOMY, Ended, Place, rows

FILE_SETTINGS = '[source]\npath = "articles.jsonl"\n[runner]\nmax_concurrency = 2\n'
LOCAL = '\n[classifier]\nmodel = "local"\nexamples = "examples.jsonl"\n'


@pytest.fixture(autouse=True)
def _api(stub: StubMessagesAPI) -> StubMessagesAPI:
    return stub


def refused(ended: Ended, *said: str) -> None:
    last = ended.err.splitlines()[-1] if ended.err else ""
    assert ended.status == 2, ended
    assert ended.out == ""
    assert last.startswith("kclassify: ")
    assert "Traceback" not in ended.err
    for words in said:
        assert words in last
    assert len([line for line in ended.err.splitlines() if "articles.jsonl" in line]) <= 1


def with_file(place: Place, *lines: object, settings: str = "") -> None:
    place.write("taxonomy.toml", TAXONOMY)
    place.write("kclassify.toml", FILE_SETTINGS + settings)
    place.write("articles.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def article(key: int | str, label: str | None = "convention") -> dict[str, object]:
    return {"id": key, "body": "a playbook", "current": label}


@pytest.mark.parametrize("command", ["dry-run", "status", "failures", "audit", "rollback", "retry"])
def test_no_settings_file(place: Place, command: str) -> None:
    refused(place.run(command), "kclassify.toml: no such file; `kclassify init` writes one")


def test_a_named_settings_file_that_is_not_there(place: Place) -> None:
    refused(place.run("dry-run", "--config", "other.toml"), "other.toml: no such file")
    refused(place.run("--config", "other.toml", "dry-run"), "other.toml: no such file")


def test_settings_that_are_no_toml(place: Place) -> None:
    place.write("kclassify.toml", "[run\n")
    refused(place.run("dry-run"), "kclassify.toml: not TOML", "line 1")


def test_an_unknown_key(place: Place) -> None:
    place.settle(rows(1), 'colour = "red"\n')
    refused(place.run("dry-run"), "[runner] colour: unknown key; there are max_concurrency")


def test_a_missing_database(place: Place) -> None:
    place.settle(rows(1))
    (place.folder / "articles.db").unlink()
    refused(place.run("dry-run"), "articles.db", "there is no file")


def test_a_missing_table_names_those_there_are(any_place: Place) -> None:
    any_place.settle(rows(1))
    text = (any_place.folder / "kclassify.toml").read_text(encoding="utf-8")
    any_place.write("kclassify.toml", text.replace('"articles"\ncurrent', '"artikel"\ncurrent'))
    refused(any_place.run("dry-run"), "there is no table 'artikel'", "articles")


def test_a_missing_column_names_those_there_are(any_place: Place) -> None:
    any_place.settle(rows(1))
    text = (any_place.folder / "kclassify.toml").read_text(encoding="utf-8")
    any_place.write("kclassify.toml", text.replace('"category"', '"label"'))
    refused(any_place.run("dry-run"), "no column 'label'", "id, title, body, category")


def test_unknown_current_labels_name_their_rows(any_place: Place) -> None:
    any_place.settle([*rows(3), (4, "text", "memo"), (5, "text", "memo")])
    refused(any_place.run("dry-run"), "'memo'", "2 rows", "4, 5", "retired = true")


def test_an_empty_file_is_a_success_that_says_so(place: Place) -> None:
    with_file(place)
    ended = place.run("dry-run")
    assert ended.status == 0
    assert "holds no items" in ended.out


def test_a_missing_file(place: Place) -> None:
    with_file(place)
    (place.folder / "articles.jsonl").unlink()
    refused(place.run("dry-run"), "articles.jsonl")


def test_a_file_of_another_ending(place: Place) -> None:
    with_file(place)
    place.write("kclassify.toml", FILE_SETTINGS.replace("jsonl", "xlsx"))
    refused(place.run("dry-run"), "articles.xlsx", ".jsonl")


def test_a_file_that_is_not_utf8(place: Place) -> None:
    with_file(place)
    (place.folder / "articles.jsonl").write_bytes(b'{"id": 1, "body": "caf\xe9"}\n')
    refused(place.run("dry-run"), "articles.jsonl, line 1", "UTF-8")


def test_a_line_that_is_no_json(place: Place) -> None:
    with_file(place, article(1))
    with (place.folder / "articles.jsonl").open("a", encoding="utf-8") as file:
        file.write("{]\n")
    refused(place.run("dry-run"), "articles.jsonl, line 2")


def test_duplicate_keys_in_a_file(place: Place) -> None:
    with_file(place, article("a"), article("b"), article("a"))
    refused(place.run("dry-run"), "'a' is there twice, in line 1 and line 3")


def test_a_field_that_no_line_has(place: Place) -> None:
    with_file(place, {"id": 1, "text": "a playbook"})
    refused(place.run("dry-run"), "line 1", "'body'", "id, text")


def test_a_filter_on_a_file(place: Place) -> None:
    with_file(place, article(1))
    place.write("kclassify.toml", FILE_SETTINGS + "[source.filter]\na = 1\n")
    refused(place.run("dry-run"), "[source] filter: is for tables")


def test_a_missing_taxonomy(place: Place) -> None:
    place.settle(rows(1))
    (place.folder / "taxonomy.toml").unlink()
    refused(place.run("dry-run"), "taxonomy.toml: no such file")


@pytest.mark.parametrize(
    ("taxonomy", "said"),
    [
        ("name = 'x", "taxonomy.toml: not TOML"),
        (
            "name = 't'\n[[category]]\nname = 'only'\ndefinition = 'd'\n",
            "at least two active categories are needed, there is only 'only'",
        ),
        (
            TAXONOMY + 'examples = ["one"]\n',
            "'convention': it is retired, so it cannot have examples",
        ),
        (TAXONOMY + "colour = 1\n", "'convention': colour: unknown key"),
        (TAXONOMY.replace('"steps to carry out"', '""'), "'playbook': it needs a definition"),
        (TAXONOMY.replace("pattern", "playbook"), "'playbook' is there 2 times"),
    ],
)
def test_a_taxonomy_that_cannot_be_used(place: Place, taxonomy: str, said: str) -> None:
    place.settle(rows(1), taxonomy=taxonomy)
    refused(place.run("dry-run"), "taxonomy.toml: ", said)


def test_a_taxonomy_that_is_not_utf8(place: Place) -> None:
    place.settle(rows(1))
    (place.folder / "taxonomy.toml").write_bytes(b"name = '\xff'")
    refused(place.run("dry-run"), "taxonomy.toml: not UTF-8 at byte 8")


@pytest.mark.parametrize("value", ["1.5", "-0.1", "nan"])
def test_a_threshold_outside_its_range_as_an_argument(place: Place, value: str) -> None:
    place.settle(rows(1))
    refused(place.run("dry-run", f"--min-confidence={value}"), "argument min_confidence: ")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RUNNER_MIN_CONFIDENCE", "75"),
        ("RUNNER_MAX_ITEMS", "many"),
        ("CLASSIFIER_MAY_ABSTAIN", "perhaps"),
    ],
)
def test_a_number_of_the_environment_is_repeated(
    place: Place, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    place.settle(rows(1))
    monkeypatch.setenv(f"KCLASSIFY_{variable}", value)
    refused(place.run("dry-run"), f"environment variable KCLASSIFY_{variable}", f"not {value!r}")


def test_what_may_be_a_secret_is_not_repeated(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.settle(rows(1), 'max_items = "${TOKEN}"\n')
    monkeypatch.setenv("TOKEN", "sk-hidden")
    monkeypatch.setenv("KCLASSIFY_LEDGER_URL", "pg:hidden")
    ended = place.run("dry-run")
    refused(ended, "[runner] max_items")
    monkeypatch.setenv("TOKEN", "3")
    again = place.run("dry-run")
    refused(again, "not a database URL")
    assert "hidden" not in ended.err + again.err


@pytest.mark.parametrize(
    "settings",
    ["min_confidence = 75\n", "[runner.min_confidence_by_category]\nplaybook = 1.01\n"],
)
def test_a_threshold_outside_its_range_in_the_file(place: Place, settings: str) -> None:
    place.settle(rows(1), settings)
    refused(place.run("dry-run"), "kclassify.toml: [runner] min_confidence")


def test_a_threshold_for_a_category_that_is_not_there(place: Place) -> None:
    place.settle(rows(1), "[runner.min_confidence_by_category]\nplaybok = 0.9\n")
    refused(place.run("dry-run"), "min_confidence_by_category: 'playbok' is no category")


def test_an_unknown_kind_of_failure(place: Place) -> None:
    place.settle(rows(1))
    refused(place.run("failures", "--kind", "late"), "'late' is no kind of failure", "timed out")


def test_a_run_that_is_not_there(place: Place) -> None:
    place.settle(rows(1))
    refused(place.run("status"), "no run named 'articles'")
    refused(place.run("rollback", "--run", "other"), "no run named 'other'")
    place.run("dry-run")
    for command in ("status", "failures", "retry", "audit", "rollback"):
        refused(place.run(command, "--run", "other"), "no run named 'other'", "articles")


def test_half_a_model(place: Place) -> None:
    place.settle(rows(1))
    refused(place.run("dry-run", "--model", "anthropic/"), "provider/model")


def test_the_local_model_without_examples(place: Place) -> None:
    place.settle(rows(1))
    refused(place.run("dry-run", "--model", "local"), "[classifier] examples")


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (
            {"body": "text", "gold": "convention"},
            "line 1: 'convention' is retired in taxonomy 'topics'",
        ),
        ({"body": "text", "gold": "memo"}, "line 1: 'memo' is no category of taxonomy 'topics'"),
        ({"body": "text"}, "line 1: an example has a text as 'body' and a label as 'gold'"),
    ],
)
def test_an_example_that_cannot_be_learned(
    place: Place, example: dict[str, str], said: str
) -> None:
    place.settle(rows(1), LOCAL)
    place.write("examples.jsonl", json.dumps(example) + "\n")
    refused(place.run("dry-run"), "examples.jsonl, ", said)


def test_a_missing_file_of_examples(place: Place) -> None:
    place.settle(rows(1), LOCAL)
    refused(place.run("dry-run"), "examples.jsonl")


def test_a_missing_file_of_instructions(place: Place) -> None:
    place.settle(rows(1), '\n[classifier]\ninstructions = "how.txt"\n')
    refused(place.run("dry-run"), "how.txt")


def test_an_unknown_option_has_status_2(place: Place) -> None:
    ended = place.run("dry-run", "--colour")
    assert ended.status == 2
    assert "--colour" in ended.err


def test_a_password_is_in_no_message(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.settle(rows(1))
    url = "postgresql://u:t0psecret@127.0.0.1:1/none"
    monkeypatch.setenv("KCLASSIFY_SOURCE_URL", url)
    ended = place.run("dry-run")
    assert ended.status == 1
    assert "t0psecret" not in ended.err
    assert "127.0.0.1:1" in ended.err
    assert "resumed" not in ended.err


def test_a_database_that_is_none(place: Place) -> None:
    place.settle(rows(1))
    Path(place.folder, "articles.db").write_text("this is no database " * 100, encoding="utf-8")
    ended = place.run("dry-run")
    assert ended.status == 2
    assert "articles.db" in ended.err
    assert "Traceback" not in ended.err
    assert "resumed" not in ended.err


@pytest.mark.parametrize(("model", "said"), [("openai/x", "OPENAI_API_KEY"), ("foo/bar", "foo")])
def test_a_model_that_cannot_be_reached_is_one_line(
    place: Place, monkeypatch: pytest.MonkeyPatch, model: str, said: str
) -> None:
    pytest.importorskip("openai")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    place.settle(rows(1))
    process = place.start("dry-run", "--model", model)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert len(err.splitlines()) == 1
    assert said in err
