from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.evals.draw import Drawn, draw
from kclassify.evals.labelled import Split
from kclassify.evals.labelling.session import Session
from kclassify.evals.sample_file import read_rows, write_rows
from tests.cli.place import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kclassify.evals.labelled import LabelledItem
    from tests.cli.place import Place

SAMPLE = Path("evals/sample.jsonl")
pytestmark = pytest.mark.usefixtures("stub")


def skewed(count: int = 40) -> list[tuple[int, str, str | None]]:
    """One in ten goes to `playbook`, the others to `pattern`; two keep their label."""
    made: list[tuple[int, str, str | None]] = [
        (n, f"article {n} is a {'playbook' if n % 10 == 0 else 'pattern'}", "convention")
        for n in range(1, count + 1)
    ]
    return [*made, (count + 1, "a pattern", "pattern"), (count + 2, "doubtful", "convention")]


def ready(place: Place, articles: Sequence[tuple[int, str, str | None]] | None = None) -> Place:
    place.settle(list(articles or skewed()))
    assert place.run("dry-run").status == 0
    return place


def drawn() -> tuple[LabelledItem, ...]:
    return read_rows(SAMPLE)


def test_writes_are_drawn_from_a_dry_run(any_place: Place) -> None:
    ended = ready(any_place).run("sample", "--size", "10", "--json")
    assert ended.status == 0, ended.err
    assert ended.json == {
        "sample": "evals/sample.jsonl",
        "frame": "writes",
        "seed": 0,
        "rows": 10,
        "added": 10,
        "unlabelled": 10,
        "population": 40,
        "population_name": "proposals of pass 1 (dry-run)",
        "groups": [
            {"label": "pattern", "population": 36, "rows": 10 - rare(drawn())},
            {"label": "playbook", "population": 4, "rows": rare(drawn())},
        ],
        "weighted": False,
        "left_out": {},
        "splits": {},
        "put_aside": None,
    }
    assert {(row.weight, row.stratum, row.current) for row in drawn()} == {
        (4.0, None, "convention")
    }


def rare(found: Sequence[LabelledItem]) -> int:
    return sum("playbook" in row.body for row in found)


def test_the_same_command_draws_the_same_rows(place: Place) -> None:
    ready(place).run("sample", "--size", "10")
    before = SAMPLE.read_bytes()
    place.run("sample", "--size", "10", "--output", "again.jsonl")
    place.run("sample", "--size", "10", "--seed", "7", "--output", "other.jsonl")
    assert Path("again.jsonl").read_bytes() == before
    assert Path("other.jsonl").read_bytes() != before
    assert place.run("sample", "--size", "10").status == 0
    assert SAMPLE.read_bytes() == before


def test_people_are_told_what_was_drawn_and_what_is_next(place: Place) -> None:
    ended = ready(place).run("sample", "--size", "99", "--holdout", "0.4")
    assert ended.status == 0
    told = ended.out.splitlines()
    assert told[0].split() == ["proposed", "label", "proposals", "drawn"]
    assert told[1].split() == ["pattern", "36", "36"]
    where = "40 rows of 40 proposals of pass 1 (dry-run) in evals/sample.jsonl"
    assert told[4] == f"{where}; that is all there are"
    held = sum(row.split is Split.HOLDOUT for row in drawn())
    assert 0 < held < 40
    assert f"{40 - held} to choose by, {held} kept apart as holdout" in told
    assert told[-1] == (
        "40 rows without a label: label them with `kclassify label evals/sample.jsonl`"
    )


def test_labels_survive_growth_a_top_up_and_force(place: Place) -> None:
    ready(place).run("sample", "--size", "8")
    labelled = label_all()
    grown = place.run("sample", "--size", "12", "--json").json
    assert (grown["rows"], grown["added"], grown["unlabelled"]) == (12, 4, 4)
    topped = place.run("sample", "--frame", "top-up", "--per-category", "4", "--json").json
    assert topped["groups"][1] == {"label": "playbook", "population": 4, "rows": 4}
    assert topped["weighted"] is True
    weights = {row.stratum: (row.stratum_N, row.weight) for row in drawn()}
    pattern = topped["groups"][0]["rows"]
    assert weights == {"playbook": (4, 1.0), "pattern": (36, pytest.approx(36 / pattern))}
    assert labels(drawn()).items() >= labelled.items()
    refused = place.run("sample", "--size", "40")
    assert (refused.status, labels(drawn()).items() >= labelled.items()) == (2, True)
    assert "the sample evals/sample.jsonl was topped up" in refused.err
    assert "choose another --output, or put it aside with --force" in refused.err
    forced = place.run("sample", "--size", "40", "--force", "--json").json
    assert forced["put_aside"] == "evals/sample.1.jsonl"
    assert labels(drawn()) == labelled
    assert len(read_rows(Path("evals/sample.1.jsonl"))) == topped["rows"]


def label_all() -> dict[str, str]:
    write_rows(SAMPLE, [replace(row, gold="pattern", gold_by=("ann",)) for row in drawn()])
    return labels(drawn())


def labels(found: Sequence[LabelledItem]) -> dict[str, str]:
    return {row.id: row.gold for row in found if row.gold is not None}


def test_all_items_are_drawn_where_there_is_no_dry_run(any_place: Place) -> None:
    any_place.settle(rows(30))
    ended = any_place.run("sample", "--frame", "uniform", "--size", "5", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["population_name"].startswith("items of articles in ")
    assert (ended.json["population"], {row.verdict_digest for row in drawn()}) == (30, {None})


def test_all_items_of_a_dry_run_carry_what_was_said_of_them(place: Place) -> None:
    ready(place).run("sample", "--frame", "uniform", "--size", "42", "--stratify")
    assert len(drawn()) == 42
    assert None not in {row.verdict_digest for row in drawn()}
    assert {row.stratum: row.weight for row in drawn()} == {"convention": 1.0, "pattern": 1.0}


def test_the_writes_of_a_commit_are_drawn_as_spot_checks(place: Place) -> None:
    ready(place).run("commit", "--override", "a test")
    ended = place.run("sample", "--from", "commit", "--size", "6", "--json")
    assert ended.json["sample"] == "evals/spot-checks.jsonl"
    assert ended.json["population_name"] == "writes of pass 2 (commit)"
    found = read_rows(Path("evals/spot-checks.jsonl"))
    assert {row.current for row in found} == {"convention"}
    place.run("sample", "--from", "commit", "--size", "9")
    assert len(read_rows(Path("evals/spot-checks.jsonl"))) == 9


def test_rows_that_changed_since_the_dry_run_are_left_out(place: Place) -> None:
    ready(place).relabel(5, "pattern")
    place.relabel(6, "playbook")
    ended = place.run("sample")
    assert "2 rows have another label since the dry run, and were left out" in ended.out
    assert {"5", "6"}.isdisjoint(row.id for row in drawn())


def test_a_file_of_items_is_drawn_from_too(place: Place) -> None:
    place.settle([])
    lines = [{"id": f"kb-{n}", "body": f"item {n}", "current": "pattern"} for n in range(20)]
    place.write("items.jsonl", "".join(json.dumps(each) + "\n" for each in lines))
    place.write("kclassify.toml", '[source]\npath = "items.jsonl"\n')
    ended = place.run("sample", "--frame", "uniform", "--size", "5")
    assert ended.status == 0, ended.err
    assert all(row.id.startswith("kb-") for row in drawn())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "run 'articles' has no finished dry run: run `kclassify dry-run` first"),
        (["--frame", "top-up"], "has no finished dry run"),
        (["--from", "commit"], "has written nothing yet: run `kclassify commit` first"),
        (["--from", "source"], "draw all items with --frame uniform"),
        (["--from", "commit", "--frame", "uniform"], "leave --frame uniform out"),
        (["--frame", "uniform", "--min-confidence", "0.9"], "--min-confidence is for proposals"),
        (["--per-category", "9"], "--per-category is for --frame top-up"),
        (["--stratify"], "--stratify is for the frame uniform"),
        (["--frame", "uniform", "--holdout", "1"], "--holdout is a share between 0 and 1"),
        (["--frame", "uniform", "--output", "."], "cannot read .: Is a directory"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_way_out(
    place: Place, arguments: list[str], complaint: str
) -> None:
    place.settle(rows(6))
    place.run("dry-run", "--max-items", "3")
    ended = place.run("sample", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert complaint in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not SAMPLE.exists()


def test_a_dry_run_without_proposals_has_nothing_to_draw(place: Place) -> None:
    ended = ready(place, [(1, "a pattern", "pattern"), (2, "doubtful", "convention")]).run("sample")
    assert ended.status == 2
    assert "there are no proposals of pass 1 (dry-run)" in ended.err


def test_a_holdout_grows_only_as_a_holdout(place: Place) -> None:
    ready(place).run("sample", "--size", "8", "--holdout", "0.5")
    sides = {row.id: row.split for row in drawn()}
    refused = place.run("sample", "--size", "20")
    assert (refused.status, len(drawn())) == (2, 8)
    assert (
        "sample.jsonl has a holdout, so what is drawn to it needs one: give --holdout 0.5, or"
        in refused.err
    )
    assert place.run("sample", "--size", "20", "--holdout", "0.5").status == 0
    found: dict[str, Any] = {row.id: row.split for row in drawn()}
    assert found.items() >= sides.items()
    assert None not in found.values()


def test_no_row_that_was_worked_with_becomes_a_sealed_one(place: Place) -> None:
    ready(place).run("sample", "--size", "40", "--holdout", "0.5")
    label_all()
    sides = {row.id: row.split for row in drawn()}
    forced = ("sample", "--size", "40", "--force", "--seed", "1")
    assert place.run(*forced, "--holdout", "0.5").status == 0
    assert {row.id: row.split for row in drawn()} == sides
    place.run("sample", "--size", "40", "--output", "plain.jsonl")
    path = Path("plain.jsonl")
    write_rows(path, [replace(row, gold="pattern") for row in read_rows(path)])
    for more in ([], ["--force"]):
        refused = place.run("sample", "--output", "plain.jsonl", "--holdout", "0.5", *more)
        assert (refused.status, "draw a new sample" in refused.err) == (2, True)
    assert {row.split for row in read_rows(path)} == {None}


@pytest.mark.parametrize(
    "more",
    [
        ["--size", "30"],
        ["--frame", "top-up", "--per-category", "4"],
        ["--size", "20", "--force"],
    ],
    ids=["growth", "top-up", "force"],
)
def test_a_label_that_is_given_while_a_sample_is_drawn_is_not_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    ready(place).run("sample", "--size", "20")
    session = Session(SAMPLE, ("pattern", "playbook"))
    first, second = (row.id for row in drawn()[:2])
    voting = threading.Thread(target=session.vote, args=(second, "ann", "playbook"))

    def draw_slowly(*given: Any) -> Drawn:
        made = draw(*given)
        session.vote(first, "ann", "pattern")
        return made

    def write_slowly(path: Path, written: Sequence[LabelledItem]) -> None:
        voting.start()
        voting.join(0.2)
        assert voting.is_alive()  # the page waits until the file is written
        write_rows(path, written)

    monkeypatch.setattr("kclassify.cli.sampling.draw", draw_slowly)
    monkeypatch.setattr("kclassify.cli.sampling.write_rows", write_slowly)
    ended = place.run("sample", *more)
    voting.join()
    assert ended.status == 0, ended.err
    assert labels(drawn()) == {first: "pattern", second: "playbook"}


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--seed", "9"], "was drawn with --seed 0, and --seed 9 draws other rows"),
        (["--holdout", "0.3"], "was drawn with --holdout 0.5, so it has no holdout of 0.3"),
    ],
)
def test_a_sample_does_not_grow_with_another_seed_or_share(
    place: Place, more: list[str], complaint: str
) -> None:
    ready(place).run("sample", "--size", "8", "--holdout", "0.5")
    before = SAMPLE.read_bytes()
    refused = place.run("sample", "--size", "20", "--holdout", "0.5", *more)
    assert (refused.status, SAMPLE.read_bytes()) == (2, before)
    assert f"the sample evals/sample.jsonl {complaint}" in refused.err
    assert "another --output, or put it aside with --force" in refused.err
    forced = place.run("sample", "--size", "20", "--holdout", "0.5", *more, "--force")
    assert forced.status == 0, forced.err


@pytest.mark.parametrize(
    ("gate", "expected"),
    [("", 20), ("[gate]\ntranche = 15\ncanary_checks = 4\n", 8)],
    ids=["no tranches", "two tranches of 15"],
)
def test_as_many_spot_checks_are_drawn_as_a_commit_waits_for(
    place: Place, gate: str, expected: int
) -> None:
    ready(place).run("commit", "--override", "a test")
    config = Path("kclassify.toml")
    config.write_text(f"{config.read_text()}\n{gate}")
    ended = place.run("sample", "--from", "commit", "--output", "checks.jsonl", "--json")
    assert ended.json["rows"] == expected
