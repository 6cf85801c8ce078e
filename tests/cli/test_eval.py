from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from kclassify.core.gate import verdict_digest
from kclassify.core.verdict import Verdict, judged
from kclassify.testing import StubMessagesAPI, Unauthorized
from tests.cli.place import Place, rows

SUITE = """
[run]
sample = "sample.jsonl"
concurrency = 1
"""
ALONE = '[[variant]]\nname = "now"\n'
OTHER = '[[variant]]\nname = "strict"\nprompt = "strict.txt"\n'
LABELS = ("playbook", "pattern")
Line = dict[str, Any]


def line(number: int, **values: Any) -> Line:
    """A row that the stub gets right; it carries a retired label now."""
    label = LABELS[number % 2]
    body = f"article {number} is a {label}, {chr(97 + number % 26) * 7}"
    return {"id": f"r{number}", "body": body, "gold": label, "current": "convention", **values}


def lines(count: int, **values: Any) -> list[Line]:
    return [line(number, **values) for number in range(count)]


def other(label: str) -> str:
    return LABELS[1 - LABELS.index(label)]


def settle(
    place: Place, sample: list[Line], suite: str = SUITE + ALONE, settings: str = ""
) -> None:
    """A project with a table, settings, a suite and a sample."""
    place.settle(rows(4), settings)
    place.write("strict.txt", "Be strict.")
    place.write("suite.toml", suite)
    save(place, sample)


def save(place: Place, sample: list[Line]) -> None:
    place.write("sample.jsonl", "".join(json.dumps(each) + "\n" for each in sample))


def record(place: Place, name: str = "gate.json") -> Any:
    return json.loads((place.folder / name).read_text(encoding="utf-8"))


def test_a_good_candidate_passes_and_its_record_opens_the_commit(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(60), settings='[gate]\nrecord = "gate.json"\n')
    assert place.run("commit").status == 2
    ended = place.run("eval", "suite.toml")
    assert ended.status == 0, ended.err + ended.out
    said = ended.out.splitlines()
    assert said[0].startswith("Pass: ")
    assert said[-1] == "Next: `kclassify commit`, with this record as [gate] record."
    assert record(place)["verdict"] == "pass"
    assert "60 of 60 answers, 60 calls" in ended.err
    written = place.run("commit")
    assert written.status == 0, written.err
    assert set(place.labels().values()) == set(LABELS)


def test_a_bad_candidate_fails(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, [line(n, gold=other(LABELS[n % 2])) for n in range(60)])
    ended = place.run("eval", "suite.toml")
    assert (ended.status, ended.out.partition(":")[0]) == (1, "Fail")
    assert record(place)["policy"] is None


def test_too_few_labels_are_inconclusive_and_the_labels_still_needed_are_printed(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(10))
    ended = place.run("eval", "suite.toml")
    assert (ended.status, ended.out.partition(":")[0]) == (3, "Inconclusive")
    needed = record(place)["labels_needed"]
    assert needed > 0
    told = f"Labels still needed: about {needed} more labels of writes: "
    drawn = f"draw them with `kclassify sample --frame uniform --size {10 + needed}`, then label"
    assert ended.out.splitlines()[-1] == f"{told}{drawn} them with `kclassify label`."
    save(place, [*lines(10), *(each | {"gold": None} for each in lines(1000)[10:])])
    assert "label the rows that have none" in place.run("eval", "suite.toml").out.splitlines()[-1]


def test_of_the_rows_that_are_still_to_be_drawn_only_a_part_is_scored_where_there_is_a_holdout(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, split_lines(20))
    ended = place.run("eval", "suite.toml")
    assert ended.status == 3
    needed = record(place, "gate.dev.json")["labels_needed"]
    assert f"--size {20 + 2 * needed} --holdout SHARE`" in ended.out.splitlines()[-1]


def test_a_sample_that_was_drawn_from_another_dry_run_is_stale(
    place: Place, stub: StubMessagesAPI
) -> None:
    said = verdict_digest(judged(Verdict("playbook", 0.123, "other")))
    settle(place, lines(60, frame="writes", verdict_digest=said))
    ended = place.run("eval", "suite.toml")
    assert (ended.status, ended.out.partition(":")[0]) == (4, "Stale")
    assert "`kclassify dry-run`" in ended.out.splitlines()[-1]


def test_a_sample_that_was_drawn_from_this_dry_run_is_not(
    place: Place, stub: StubMessagesAPI
) -> None:
    said = {n: judged(Verdict(LABELS[n % 2], 0.9, "claude")) for n in range(60)}
    drawn = [line(n, frame="writes", verdict_digest=verdict_digest(said[n])) for n in range(60)]
    settle(place, drawn)
    assert place.run("eval", "suite.toml").status == 0


def test_a_provider_that_fails_half_way_is_incomplete_and_the_next_run_goes_on(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(20))
    stub.script([None] * 13 + [Unauthorized()])
    broken = place.run("eval", "suite.toml")
    assert broken.status == 5
    assert broken.out.startswith("Incomplete: 7 answers of 'now' are missing: ")
    assert not (place.folder / "gate.json").exists()
    facts = place.run("eval", "suite.toml", "--replay-only", "--json")
    assert facts.status == 5
    assert facts.json["missing"] == 7
    stub.clear()
    assert place.run("eval", "suite.toml").status == 3
    assert stub.count == 7


def test_a_replay_makes_no_request_and_finds_the_same(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, lines(20), SUITE + OTHER + ALONE)
    first = place.run("eval", "suite.toml", "--json")
    asked = stub.count
    again = place.run("eval", "suite.toml", "--json", "--replay-only")
    assert (first.status, again.status, stub.count) == (3, 3, asked)
    assert first.json["variants"][0]["scores"] == again.json["variants"][0]["scores"]
    assert [v["cost"]["calls"] for v in first.json["variants"]] == [20, 20]
    assert [v["cost"]["replayed"] for v in again.json["variants"]] == [20, 20]


def test_json_is_the_evaluation_and_nothing_else(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, lines(20), SUITE + OTHER + ALONE)
    ended = place.run("eval", "suite.toml", "--json", "--quiet")
    assert ended.err == ""
    found = ended.json
    assert (found["candidate"], found["comparisons"][0]["baseline"]) == ("now", "strict")
    assert found["gate"] == record(place)
    assert [each["name"] for each in found["baselines"]] == [
        "leave it as it is",
        "embedded classifier",
    ]


def test_the_report_is_written_where_it_was_asked_for(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, lines(20))
    files = ("--report", "report", "--markdown", "comment.md", "--junit", "junit.xml")
    ended = place.run("eval", "suite.toml", "--gate", "records/gate.json", *files)
    assert ended.status == 3, ended.err
    there = {str(path.relative_to(place.folder)) for path in place.folder.rglob("*.*")}
    assert {
        "records/gate.json",
        "report/report.html",
        "report/report.md",
        "report/evaluation.json",
        "report/junit.xml",
        "comment.md",
        "junit.xml",
    } <= there
    assert "gate.json" not in there
    assert record(place, "records/gate.json")["sample"]["path"] == "../sample.jsonl"


def test_another_variant_may_be_decided_on_and_asked_more_often(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(20), SUITE + ALONE + OTHER)
    ended = place.run("eval", "suite.toml", "--variant", "now", "--repeats", "2", "--json")
    assert ended.json["candidate"] == "now"
    assert [v["noise"]["repeats"] for v in ended.json["variants"]] == [2, 2]
    assert stub.count == 80


def test_the_verdicts_of_a_dry_run_are_not_asked_for_again_nor_those_of_an_evaluation(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, [line(n, body=body, gold=LABELS[1 - n % 2]) for n, body, _ in rows(4)])
    assert place.run("dry-run").status == 0
    stub.clear()
    found = place.run("eval", "suite.toml", "--json")
    assert stub.count == 0
    assert found.json["population_is_dry_run"]
    assert found.json["population"] == 4
    place.write("suite.toml", SUITE + OTHER)
    another = place.run("eval", "suite.toml", "--json")
    assert stub.count == 4
    assert not another.json["population_is_dry_run"]


def test_without_settings_a_suite_says_all_itself(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, lines(20), SUITE + ALONE + 'taxonomy = "taxonomy.toml"\nmodel = "claude-x"\n')
    (place.folder / "kclassify.toml").unlink()
    assert place.run("eval", "suite.toml").status == 3
    assert {request.body["model"] for request in stub.requests if request.body} == {"claude-x"}
    place.write("suite.toml", SUITE + ALONE)
    ended = place.run("eval", "suite.toml")
    assert ended.status == 2
    assert "variant 'now': it names no taxonomy" in ended.err


@pytest.mark.slow
def test_the_settings_above_a_suite_are_found(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, [])
    folder = place.folder / "evals"
    assert place.run("eval", "init").status == 0
    (folder / "sample.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines(10)))
    assert place.run("eval").status == 3
    assert (folder / "gate.json").exists()
    module = subprocess.run(
        [sys.executable, "-m", "evals", "--replay-only", "--json"],
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert module.returncode == 3, module.stderr
    assert json.loads(module.stdout)["candidate"] == "as it is"
    assert place.run("eval", "init").status == 2
    assert place.run("eval", "init", "--force").status == 0
    assert len((folder / "sample.jsonl").read_text().splitlines()) == 10


def split_lines(count: int) -> list[Line]:
    return [line(n, split="dev" if n % 4 < 2 else "holdout") for n in range(count)]


def test_a_look_at_the_dev_rows_never_takes_the_place_of_the_record_of_the_holdout(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, split_lines(120))
    sealed = place.run("eval", "suite.toml", "--holdout")
    assert sealed.status == 0, sealed.out
    kept = record(place)
    assert kept["sample"]["split"] == "holdout"
    dev = place.run("eval", "suite.toml")
    assert dev.status == 0
    assert "`kclassify eval --holdout`" in dev.out.splitlines()[-1]
    assert record(place) == kept
    assert record(place, "gate.dev.json")["sample"]["split"] == "dev"


@pytest.mark.slow
def test_a_sealed_holdout_is_looked_at_no_more_often_than_its_budget(
    place: Place, stub: StubMessagesAPI
) -> None:
    gate = "[gate]\nholdout_looks = 2\n"
    settle(place, split_lines(40), SUITE + ALONE + OTHER + gate)
    looks = []
    for prompt in ("first", "second", "second"):
        place.write("strict.txt", prompt)
        ended = place.run("eval", "suite.toml", "--holdout", "--json")
        looks.append(ended.json["looks"])
    assert looks == [
        {"number": 1, "budget": 2, "sealed": True},
        {"number": 2, "budget": 2, "sealed": True},
        {"number": 2, "budget": 2, "sealed": True},
    ]
    place.write("strict.txt", "third")
    asked = stub.count
    ended = place.run("eval", "suite.toml", "--holdout")
    assert (ended.status, stub.count) == (2, asked)
    assert "rows of this holdout were looked at 2 times" in ended.err
    assert place.run("eval", "suite.toml").status == 3


@pytest.mark.slow
def test_a_holdout_that_grew_or_whose_labels_were_mended_is_no_unseen_one(
    place: Place, stub: StubMessagesAPI
) -> None:
    gate = "[gate]\nholdout_looks = 1\n"
    rows = split_lines(40)
    settle(place, rows, SUITE + ALONE + OTHER + gate)
    place.write("strict.txt", "first")
    assert place.run("eval", "suite.toml", "--holdout").status != 2
    mended = {"playbook": "pattern", "pattern": "playbook"}
    changed = [{**row, "gold": mended.get(row["gold"], row["gold"])} for row in rows[:2]]
    save(place, [*changed, *rows[2:], *split_lines(60)[40:]])
    place.write("strict.txt", "second")
    ended = place.run("eval", "suite.toml", "--holdout")
    assert ended.status == 2
    assert "rows of this holdout were looked at once" in ended.err


def test_a_holdout_that_is_not_there_and_looks_that_nobody_counts_are_refused(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(20), SUITE + ALONE + 'taxonomy = "taxonomy.toml"\nmodel = "claude-x"\n')
    assert "it has no holdout" in place.run("eval", "suite.toml", "--holdout").err
    save(place, split_lines(20))
    (place.folder / "kclassify.toml").unlink()
    ended = place.run("eval", "suite.toml", "--holdout")
    assert ended.status == 2
    assert "[run] ledger" in ended.err
    text = (place.folder / "suite.toml").read_text()
    place.write("suite.toml", text.replace("[run]", '[run]\nledger = "sqlite:///looks.db"'))
    assert place.run("eval", "suite.toml", "--holdout").status == 3
    assert (place.folder / "looks.db").exists()


def _edit(name: str, more: str) -> Callable[[Place], object]:
    def edit(place: Place) -> None:
        place.write(name, (place.folder / name).read_text(encoding="utf-8") + more)

    return edit


def _remove_the_record(place: Place) -> None:
    (place.folder / "gate.json").unlink()


@pytest.mark.parametrize(
    ("alter", "problem"),
    [
        (_edit("sample.jsonl", json.dumps(line(99)) + "\n"), "was edited after the evaluation"),
        (_edit("taxonomy.toml", '\n[[category]]\nname = "new"\ndefinition = "n"\n'), "taxonomy"),
        (_edit("kclassify.toml", '\n[classifier]\nmodel = "claude-y"\n'), "model"),
        (_edit("kclassify.toml", '\n[classifier]\ninstructions = "strict.txt"\n'), "prompt"),
        (_remove_the_record, "no such gate record"),
    ],
    ids=["sample", "taxonomy", "model", "prompt", "no record"],
)
def test_a_record_is_checked_without_asking_anybody(
    place: Place, stub: StubMessagesAPI, alter: Callable[[Place], object], problem: str
) -> None:
    settle(place, lines(60))
    assert place.run("eval", "suite.toml").status == 0
    stub.clear()
    holds = place.run("eval", "suite.toml", "--check")
    assert (holds.status, "is about this classifier" in holds.out) == (0, True)
    alter(place)
    ended = place.run("eval", "suite.toml", "--check")
    assert ended.status == 4
    assert problem in ended.out
    facts = place.run("eval", "suite.toml", "--check", "--json")
    assert (facts.status, facts.json["holds"]) == (4, False)
    assert stub.count == 0


def test_a_record_that_says_no_is_no_stale_one(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, lines(10))
    assert place.run("eval", "suite.toml").status == 3
    assert place.run("eval", "suite.toml", "--check").status == 3
    save(place, lines(11))
    assert place.run("eval", "suite.toml", "--check").status == 4


STRATA = {"stratum": "all", "stratum_N": 100, "stratum_n": 20}


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (lines(20, stratum="all"), "weight"),
        ([*lines(19), line(19, gold="convention")], "retired"),
        ([*lines(19), line(19, gold="nonsense")], "nonsense"),
        (lines(1), "only one row"),
        ([], "there is no row"),
        ([{**each, "gold": None} for each in lines(20)], "none of its 20 rows has a label"),
        ([*lines(20), line(3)], "r3"),
    ],
    ids=["no weights", "retired", "unknown", "one row", "empty", "unlabelled", "twice"],
)
def test_a_sample_that_would_mislead_is_refused_before_anybody_is_asked(
    place: Place, stub: StubMessagesAPI, sample: list[Line], message: str
) -> None:
    settle(place, sample)
    ended = place.run("eval", "suite.toml")
    assert (ended.status, ended.out, stub.count) == (2, "", 0), ended.err
    assert message in ended.err
    assert "sample.jsonl" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_category_without_a_row_is_scored_as_nothing(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, [each for each in lines(60) if each["gold"] == "playbook"])
    ended = place.run("eval", "suite.toml", "--json")
    assert ended.status == 0
    classes = {c["label"]: c for c in ended.json["variants"][0]["scores"]["classes"]}
    assert (classes["pattern"]["gold"], classes["pattern"]["recall"]) == (0, None)
    assert any("every row is labelled" in told for told in ended.json["sample"]["warnings"])


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        (SUITE, "[[variant]]: is missing"),
        (SUITE + "[[variant]]\n", "variant 1: it is empty"),
        (SUITE + ALONE + 'taxonomy = "none.toml"\n', "variant 'now': none.toml: no such file"),
        (SUITE + ALONE + 'prompt = "none.txt"\n', "none.txt"),
        (SUITE + ALONE + 'prompt = "empty.txt"\n', "variant 'now': empty.txt: it is empty"),
        (SUITE + ALONE + "prompt = 3\n", "[variant] prompt: a text (a path) is expected"),
        (SUITE + ALONE + '[policy]\nveto = "x"\n', "[policy] veto: a list is expected"),
        (SUITE.replace('"sample.jsonl"', "3") + ALONE, "[run] sample: a text (a path) is expected"),
        (SUITE + ALONE + 'model = "local"\n', "variant 'now': model 'local' is fitted on"),
        (SUITE + ALONE + 'model = "a/"\n', "variant 'now': model 'a/'"),
        (SUITE.replace("sample.jsonl", "none.jsonl") + ALONE, "none.jsonl"),
    ],
)
def test_a_suite_that_cannot_be_carried_out_is_refused_in_one_line(
    place: Place, stub: StubMessagesAPI, suite: str, message: str
) -> None:
    settle(place, lines(20), suite)
    place.write("empty.txt", " \n")
    ended = place.run("eval", "suite.toml")
    assert (ended.status, ended.out, stub.count) == (2, "", 0)
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("before", "after"), [('"format":1', '"format":2'), ('"confidence":0.9', '"confidence":NaN')]
)
def test_replies_of_another_version_and_confidences_that_are_none_are_refused(
    place: Place, stub: StubMessagesAPI, before: str, after: str
) -> None:
    settle(place, lines(10))
    assert place.run("eval", "suite.toml").status == 3
    (kept,) = (place.folder / ".cache" / "replies").glob("*.jsonl")
    assert before in kept.read_text()
    kept.write_text(kept.read_text().replace(before, after))
    ended = place.run("eval", "suite.toml")
    assert ended.status == 2
    assert "delete the folder .cache/replies" in ended.err
    shutil.rmtree(place.folder / ".cache")
    assert place.run("eval", "suite.toml").status == 3


def test_a_classifier_is_never_scored_on_the_rows_that_trained_it(place: Place) -> None:
    learned = [{"body": each["body"], "gold": each["gold"]} for each in lines(20)]
    suite = SUITE + ALONE + 'model = "local"\nexamples = "examples.jsonl"\n'
    settle(place, lines(30), suite)
    place.write("examples.jsonl", "".join(json.dumps(each) + "\n" for each in learned))
    ended = place.run("eval", "suite.toml")
    assert ended.status == 2
    assert "was fitted on 20 of the 30 rows of the sample, 'r0' among them" in ended.err
    artifact = SUITE + ALONE + 'model = "local"\nexamples = "examples.jsonl"\nartifact = "m"\n'
    place.write("suite.toml", artifact)
    assert "was fitted on 20" in place.run("eval", "suite.toml").err
    (place.folder / "examples.jsonl").unlink()
    assert "was fitted on 20" in place.run("eval", "suite.toml").err
    save(place, lines(30)[20:])
    assert place.run("eval", "suite.toml").status == 3


def test_a_text_of_unknown_origin_reaches_the_terminal_without_its_power(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(20), SUITE + '[[variant]]\nname = "now\\u001b[31m"\n' + ALONE)
    ended = place.run("eval", "suite.toml")
    assert ended.status == 3
    assert "\x1b" not in ended.out + ended.err


def test_a_plan_says_the_labels_that_the_method_asks_for(place: Place) -> None:
    ended = place.run("eval", "plan", "--difference", "0.02", "--discordance", "0.1", "--json")
    assert ended.json["labels"] == pytest.approx(1949, abs=10)
    certify = place.run("eval", "plan", "--precision", "0.95", "--true", "0.98")
    assert certify.out.startswith("184 labelled writes")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--difference", "0.02"),
        ("--precision", "0.9"),
        ("--precision", "0.95", "--true", "0.9"),
        ("--difference", "0.2", "--discordance", "0.1"),
        ("--difference", "0.02", "--discordance", "0.1", "--precision", "0.9"),
        ("--difference", "nan", "--discordance", "0.1"),
    ],
)
def test_half_a_question_is_wrong_usage(place: Place, arguments: tuple[str, ...]) -> None:
    ended = place.run("eval", "plan", *arguments)
    assert (ended.status, ended.out) == (2, "")


def test_without_its_extra_an_evaluation_names_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kclassify.evals.extra.find_spec", {}.get)
    for arguments in (("eval",), ("eval", "plan", "--precision", "0.9", "--true", "0.95")):
        ended = place.run(*arguments)
        assert ended.status == 2
        assert "pip install 'kclassify[evals]'" in ended.err
