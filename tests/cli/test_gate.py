from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from kclassify.core.gate import CertifiedPolicy, DryRunSeal, GateVerdict
from kclassify.database import Database
from kclassify.testing import Refusal, StubMessagesAPI
from tests.cli.gates import GATE, failed, write_gate
from tests.cli.place import TAXONOMY, Place, rows

if TYPE_CHECKING:
    from tests.cli.place import Ended

ARTICLES = rows(6)
Alter = Callable[[Place], object]


@pytest.fixture
def evaluated(any_place: Place, stub: StubMessagesAPI) -> Place:
    """A folder whose dry run is done, evaluated and passed."""
    any_place.settle(ARTICLES, GATE)
    assert any_place.run("dry-run").status == 0
    write_gate(any_place, ARTICLES)
    return any_place


def refused(ended: Ended) -> str:
    """The one line of a refusal."""
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    return line


def test_a_commit_whose_evaluation_passed_writes(evaluated: Place, stub: StubMessagesAPI) -> None:
    asked = stub.count
    ended = evaluated.run("commit")
    assert (ended.status, stub.count) == (0, asked)
    assert set(evaluated.labels().values()) == {"playbook", "pattern"}
    assert "allowed by the gate record" in ended.err
    assert "the gate certified confidence 0.8, which holds over min_confidence 0.75" in ended.err
    report = evaluated.run("status", "--json").json["passes"][-1]
    assert (len(report["gate"]), report["override"], report["gate_refusal"]) == (64, None, None)
    assert f"gate {report['gate'][:12]}" in evaluated.run("status").out


def _append(name: str, line: str) -> Alter:
    def alter(place: Place) -> None:
        path = place.folder / name
        path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")

    return alter


def _record(**given: object) -> Alter:
    return lambda place: write_gate(place, ARTICLES, **given)


def _change_a_verdict(place: Place) -> None:
    database = Database(place.url)
    with database.begin() as connection:
        connection.execute(
            text(
                "UPDATE kclassify_verdict SET confidence = 0.5 WHERE item_digest = "
                "(SELECT min(item_digest) FROM kclassify_verdict)"
            )
        )
    database.close()


def _another_ledger(place: Place) -> None:
    _append("kclassify.toml", '[ledger]\nurl = "sqlite:///another.db"\n')(place)


PAST = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
REFUSALS: dict[str, tuple[Alter, str]] = {
    "no gate": (
        lambda place: (place.folder / "evals" / "gate.json").unlink(),
        "evals/gate.json: no such gate record: `kclassify eval` writes one",
    ),
    "a failed gate": (
        _record(**failed(GateVerdict.FAIL, "12 of 15 moves to 'playbook' are wrong.")),
        "evals/gate.json: the evaluation failed: 12 of 15 moves to 'playbook' are wrong.",
    ),
    "an inconclusive gate": (
        _record(**failed(GateVerdict.INCONCLUSIVE, "Too few labels."), labels_needed=30),
        "inconclusive: Too few labels; label about 30 more rows, then evaluate again",
    ),
    "another prompt": (
        lambda place: (
            place.write("instructions.txt", "Sort these articles."),
            _append("kclassify.toml", '[classifier]\ninstructions = "instructions.txt"\n')(place),
        ),
        "evals/gate.json: the evaluation was of another prompt than the settings have",
    ),
    "another taxonomy": (
        lambda place: place.write("taxonomy.toml", TAXONOMY.replace("steps to", "any steps to")),
        "evals/gate.json: the evaluation was of another taxonomy than the settings have",
    ),
    "another model": (
        _append("kclassify.toml", '[classifier]\nmodel = "claude-opus-4-1"\n'),
        "another model (anthropic/claude-haiku-4-5, and this is anthropic/claude-opus-4-1)",
    ),
    "other parameters": (
        _append("kclassify.toml", "[classifier]\nmax_tokens = 99\n"),
        "another set of parameters (max_tokens=1024",
    ),
    "a changed verdict": (
        _change_a_verdict,
        "evals/gate.json: 1 of its 6 verdicts changed since the evaluation",
    ),
    "another ledger": (
        _another_ledger,
        "evals/gate.json: 6 of its 6 verdicts are not in this ledger",
    ),
    "an expired record": (
        _record(created_at=PAST - timedelta(days=30), expires_at=PAST),
        "evals/gate.json: it expired on 2026-01-02 at 03:04 UTC",
    ),
    "a sample edited after the gate": (
        _append("evals/sample.jsonl", '{"id": 99, "body": "x", "gold": "pattern"}\n'),
        "evals/gate.json: its sample sample.jsonl was edited after the evaluation",
    ),
    "a sample that is gone": (
        lambda place: (place.folder / "evals" / "sample.jsonl").unlink(),
        "evals/gate.json: its sample sample.jsonl is not there to be checked",
    ),
    "a record that is no record": (
        lambda place: place.write("evals/gate.json", '{"version": 1, "verdict": "perhaps"}'),
        "evals/gate.json: not a gate record, see",
    ),
    "a record that is no JSON": (
        lambda place: place.write("evals/gate.json", "<html>"),
        "evals/gate.json: not a gate record, which is JSON",
    ),
    "a record of another version": (
        lambda place: place.write("evals/gate.json", '{"version": 2}'),
        "evals/gate.json: a gate record of version 2, and this kclassify knows 1",
    ),
    "a veto of an unknown category": (
        _record(policy=CertifiedPolicy(threshold=0.8, vetoed=("quote",))),
        "evals/gate.json: it vetoes 'quote', which is no category of this taxonomy",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_commit_is_refused_in_one_line_that_names_what_differs(
    evaluated: Place, stub: StubMessagesAPI, name: str
) -> None:
    alter, expected = REFUSALS[name]
    alter(evaluated)
    before, asked = evaluated.labels(), stub.count
    assert expected in refused(evaluated.run("commit"))
    assert (evaluated.labels(), stub.count) == (before, asked)


def test_a_refused_commit_writes_with_an_override_and_keeps_what_was_refused(
    evaluated: Place, stub: StubMessagesAPI
) -> None:
    _append("evals/sample.jsonl", "\n\nmore\n")(evaluated)
    ended = evaluated.run("commit", "--override", "agreed in the meeting")
    assert ended.status == 0
    assert "WRITING WITHOUT A GATE, override: agreed in the meeting" in ended.err
    assert "warning: the override sets aside what the gate says: evals/gate.json: its" in ended.err
    report = evaluated.run("status", "--json").json["passes"][-1]
    assert (report["override"], report["gate"]) == ("agreed in the meeting", None)
    assert "was edited after the evaluation" in report["gate_refusal"]
    assert "override: agreed in the meeting" in evaluated.run("status").out


def test_a_vetoed_category_is_not_written_and_said_to_be(
    evaluated: Place, stub: StubMessagesAPI
) -> None:
    write_gate(evaluated, ARTICLES, policy=CertifiedPolicy(threshold=0.8, vetoed=("playbook",)))
    ended = evaluated.run("commit")
    assert ended.status == 0
    assert "3 items stay: the gate vetoes the category proposed" in ended.out
    assert set(evaluated.labels().values()) == {"convention", "pattern"}
    again = evaluated.run("commit", "--json").json["pass"]["transitions"]
    assert {each["action"]: each["rows"] for each in again} == {"same": 3, "vetoed": 3}


def test_a_retry_that_writes_is_refused_before_it_forgets_anything(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(ARTICLES, GATE)
    stub.set_fault(Refusal())
    place.run("dry-run", "--max-items", "1")
    failures = place.run("failures", "--json").json
    line = refused(place.run("retry", "--commit"))
    assert "evals/gate.json: no such gate record" in line
    assert (place.run("failures", "--json").json, len(failures)) == (failures, 1)
    stub.set_fault(None)
    assert place.run("retry", "--commit", "--override", "a test", "--json").json["retried"] == 1


def check_rows(place: Place, keys: list[int], gold: str | None = None) -> Path:
    labels = place.labels()
    lines = [{"id": str(key), "gold": gold or labels[key]} for key in keys]
    return place.write("canary.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


TRANCHES = 'tranche = 4\ncanary = "canary.jsonl"\ncanary_checks = 2\n'


@pytest.fixture
def in_tranches(any_place: Place, stub: StubMessagesAPI) -> Place:
    """Twenty rows of which the last were evaluated and passed, to be written four at a time."""
    articles = rows(20)
    any_place.settle(articles, GATE + TRANCHES)
    assert any_place.run("dry-run").status == 0
    write_gate(any_place, articles[-2:])
    return any_place


def test_a_commit_in_tranches_waits_for_spot_checks_and_says_how_to_make_them(
    in_tranches: Place,
) -> None:
    ended = in_tranches.run("commit")
    assert ended.status == 75
    assert "4 rows written" in ended.out
    assert "2 spot checks of its rows are wanted (0 so far)" in ended.out
    assert "kclassify sample --from commit" in ended.out
    again = in_tranches.run("commit", "--json")
    assert (again.status, again.json["tranche"]) == (
        75,
        {"written": 4, "checked": 0, "wanted": 2},
    )
    check_rows(in_tranches, [1, 3])
    assert "8 rows written" in in_tranches.run("commit").out


def test_a_canary_that_finds_too_many_wrong_writes_halts_the_commit(in_tranches: Place) -> None:
    in_tranches.run("commit", "--tranche", "16")
    check_rows(in_tranches, list(range(1, 11)), gold="convention")
    ended = in_tranches.run("commit", "--tranche", "16")
    assert ended.status == 1
    assert "the canary: 10 of 10 spot-checked writes are wrong" in ended.out
    assert "kclassify rollback" in ended.out
    assert "run the same command again" not in ended.out
    assert sum(label != "convention" for label in in_tranches.labels().values()) == 16


def test_a_record_that_the_canary_refuted_writes_nothing_after_a_rollback(
    in_tranches: Place,
) -> None:
    in_tranches.run("commit", "--tranche", "16")
    check_rows(in_tranches, list(range(1, 11)), gold="convention")
    assert in_tranches.run("commit", "--tranche", "16").status == 1
    assert in_tranches.run("rollback").status == 0
    ended = in_tranches.run("commit", "--tranche", "16")
    assert (ended.status, set(in_tranches.labels().values())) == (1, {"convention"})
    assert "the canary: 10 of 10 spot-checked writes are wrong" in ended.out


def test_a_spot_check_of_no_category_is_named_with_its_line(in_tranches: Place) -> None:
    before = in_tranches.labels()
    check_rows(in_tranches, [1, 2], gold="patern")
    ended = in_tranches.run("commit")
    assert (ended.status, in_tranches.labels()) == (2, before)
    assert ended.err.splitlines()[-1] == (
        "kclassify: canary.jsonl, line 1: the spot check of row '1' gives the label 'patern', "
        "which is no category of the taxonomy; did you mean 'pattern'?"
    )


def test_a_retry_does_not_get_round_the_canary_and_forgets_nothing(
    place: Place, stub: StubMessagesAPI
) -> None:
    articles = rows(20)
    place.settle(articles, GATE + TRANCHES.replace("= 4", "= 16"))
    stub.set_fault(Refusal())
    place.run("dry-run", "--max-items", "1")
    stub.set_fault(None)
    assert place.run("dry-run").status == 0
    write_gate(place, articles[-2:])
    assert place.run("commit").status == 75
    before, failures = place.labels(), place.run("failures", "--json").json
    line = refused(place.run("retry", "--commit"))
    assert "a tranche is written, and 2 spot checks of its rows are missing" in line
    check_rows(place, list(range(2, 12)), gold="convention")
    line = refused(place.run("retry", "--commit"))
    assert "the canary: 10 of 10 spot-checked writes are wrong" in line
    assert (place.labels(), place.run("failures", "--json").json) == (before, failures)
    assert len(failures) == 1


def test_rows_that_are_new_since_the_evaluation_stay_and_are_shown(
    evaluated: Place, stub: StubMessagesAPI
) -> None:
    seal = DryRunSeal(run="articles", number=1, rows=6, proposals=6)
    write_gate(evaluated, ARTICLES, dry_run=seal)
    with closing(Database(evaluated.url)) as database, database.begin() as connection:
        statement = text("UPDATE articles SET body = body || ' by now' WHERE id > 4")
        connection.execute(statement)
    ended = evaluated.run("commit")
    assert ended.status == 0
    assert "4 rows written" in ended.out
    assert (
        "2 items stay: new or changed since the evaluation; a dry run and an evaluation cover them"
    ) in ended.out
    again = evaluated.run("status", "--json").json["passes"][-1]["transitions"]
    assert sum(each["rows"] for each in again if each["action"] == "uncertified") == 2


def test_status_shows_every_reason_that_a_commit_went_on_for(in_tranches: Place) -> None:
    in_tranches.run("commit")
    check_rows(in_tranches, [1, 2, 3, 4])
    in_tranches.run("commit", "--override", "in a hurry")
    report = in_tranches.run("status", "--json").json["passes"][-1]
    assert (report["number"], report["override"]) == (2, "in a hurry")
    shown = in_tranches.run("status").out
    assert f"gate {report['gate'][:12]}; override: in a hurry" in " ".join(shown.split())


def test_a_tranche_of_an_option_alone_goes_on_when_the_command_is_run_again(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(6))
    write = ("commit", "--override", "a test", "--tranche", "4")
    first, second = place.run(*write), place.run(*write)
    assert (first.status, second.status) == (75, 0)
    assert "The tranche is written, and may be looked at; 2 items left" in first.out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"gold": "pattern"}', "canary.jsonl, line 1: a spot check names its row as 'id'"),
        ('{"id": true, "gold": "pattern"}', "a spot check names its row as 'id'"),
        ('{"id": 1, "gold": 3}', "canary.jsonl, line 1: 'gold' is a label, or null"),
        ("{", "canary.jsonl, line 1: not JSON"),
    ],
)
def test_a_canary_that_cannot_be_read_is_named_with_its_line(
    in_tranches: Place, line: str, expected: str
) -> None:
    in_tranches.write("canary.jsonl", line + "\n")
    before = in_tranches.labels()
    ended = in_tranches.run("commit")
    assert (ended.status, in_tranches.labels()) == (2, before)
    assert expected in ended.err.splitlines()[-1]


def test_rows_of_the_canary_that_nobody_labelled_yet_are_passed_over(in_tranches: Place) -> None:
    in_tranches.run("commit")
    in_tranches.write("canary.jsonl", '{"id": 1, "gold": null}\n{"id": "2", "body": "x"}\n')
    assert in_tranches.run("commit", "--json").json["tranche"]["checked"] == 0


def test_a_canary_without_tranches_has_to_be_there(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2), '[gate]\ncanary = "canary.jsonl"\n')
    ended = place.run("commit", "--override", "a test")
    assert ended.status == 2
    assert "cannot read canary.jsonl" in ended.err.splitlines()[-1]
