from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy

from kclassify.cli.read_progress import Told
from kclassify.core.finding import Invariant
from tests.cli.place import TAXONOMY, Place, rows
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from kclassify.testing import StubMessagesAPI

WRITE = ("commit", "--override", "a test")
VERIFY = ("audit", "--verify")


@pytest.fixture
def written(place: Place, stub: StubMessagesAPI) -> Place:
    place.settle(rows(6))
    assert place.run(*WRITE).status == 0
    return place


def execute(place: Place, statement: str) -> None:
    engine = sqlalchemy.create_engine(place.url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_run_that_kept_its_word(written: Place) -> None:
    ended = written.run(*VERIFY)
    assert (ended.status, ended.err) == (0, "")
    lines = [line.strip() for line in ended.out.splitlines()]
    assert lines[1].startswith("1  An outage pauses, it never skips")
    assert lines[1].endswith("held")
    assert lines[3].startswith("3  Some failures end the run")
    assert lines[3].endswith("not checked")
    assert lines[4].startswith("4  Nothing is paid twice")
    assert lines[4].endswith("held, as far as the ledger shows")
    assert "Run 'articles': nothing is broken; 6 items, 0 lost; 6 writes arrived.\n" in ended.out
    assert "the calls: what was paid twice, and whether a halt ended them" in ended.out


def test_a_run_that_broke_it_has_status_1_and_shows_the_evidence(written: Place) -> None:
    execute(written, "DELETE FROM kclassify_outcome WHERE item_key = 'i:3'")
    ended = written.run(*VERIFY)
    assert ended.status == 1
    assert "  1  items behind the cursor have no outcome: lost, or" in ended.out
    assert "\n       pass 1, 3\n" in ended.out
    facts = written.run(*VERIFY, "--json")
    assert facts.status == 1
    assert (facts.json["clean"], facts.json["lost"]) == (False, 1)
    assert {each["state"] for each in facts.json["invariants"]} == {"held", "broken", "not checked"}
    assert facts.json["findings"][0]["invariant"] == Invariant.OUTAGE_PAUSES


def test_what_another_program_did_is_a_remark(written: Place) -> None:
    execute(written, "UPDATE articles SET category = 'odd \x1b[31m' WHERE id = 2")
    ended = written.run(*VERIFY)
    assert ended.status == 0
    assert "Remarks: a fault, or the work of another program:" in ended.out
    assert "2: 'odd \\x1b[31m' instead of 'playbook'" in ended.out
    assert "\x1b" not in ended.out


def test_labels_are_not_checked_against_a_taxonomy_that_has_changed(written: Place) -> None:
    written.write("taxonomy.toml", TAXONOMY.replace('"playbook"', '"guide"'))
    facts = written.run(*VERIFY, "--json")
    assert facts.status == 0
    assert facts.json["invariants"][9]["state"] == "not checked"
    assert any("another classifier" in line for line in facts.json["unchecked"])


def test_wrong_usage(written: Place) -> None:
    ended = written.run(*VERIFY, "--format", "csv")
    assert (ended.status, ended.out) == (2, "")
    assert "--json gives it to programs" in ended.err
    ended = written.run(*VERIFY, "--run", "nobody")
    assert ended.status == 2
    assert "no run named 'nobody'" in ended.err


def test_a_file_and_its_new_version(place: Place, stub: StubMessagesAPI) -> None:
    place.write("taxonomy.toml", TAXONOMY)
    place.write("kclassify.toml", '[source]\npath = "articles.jsonl"\ncurrent = "category"\n')
    place.write(
        "articles.jsonl",
        "".join(
            f'{{"id": {n}, "body": "playbook {n}", "category": "convention"}}\n' for n in range(4)
        ),
    )
    assert place.run(*WRITE).status == 0
    ended = place.run(*VERIFY)
    assert (ended.status, ended.err) == (0, "")
    assert "Remarks" not in ended.out


def test_whoever_waits_is_told_every_ten_seconds() -> None:
    told: list[int] = []
    seconds = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    tell = Told(told.append, lambda: next(seconds))
    for rows_seen in (500, 1000, 1500):
        tell(rows_seen)
    assert told == [1000]


def test_the_titles_are_the_headings_of_the_guarantees() -> None:
    text = (REPOSITORY / "docs" / "guarantees.md").read_text(encoding="utf-8")
    headings = [line.removeprefix("## ") for line in text.splitlines() if line[:3] == "## "]
    assert headings[:10] == [f"{each.value}. {each.title}" for each in Invariant]
