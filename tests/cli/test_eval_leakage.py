"""A classifier is not scored on rows that it was shown, and a suite's veto names categories."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kclassify.classifier.local_file import read_model, write_model
from kclassify.testing import StubMessagesAPI
from tests.cli.place import TAXONOMY, Place
from tests.cli.test_eval import ALONE, OTHER, SUITE, Line, lines, settle

SHOWN = lines(30)[4]
"""A row of the sample."""


def with_example(text: str) -> str:
    named = 'name = "playbook"\n'
    assert named in TAXONOMY
    return TAXONOMY.replace(named, f"{named}examples = {json.dumps([text])}\n", 1)


def refused(place: Place, stub: StubMessagesAPI) -> str:
    ended = place.run("eval", "suite.toml")
    assert (ended.status, ended.out, stub.count) == (2, "", 0)
    assert len(ended.err.splitlines()) == 1
    return ended.err


@pytest.mark.parametrize(
    "text",
    [
        SHOWN["body"],
        f"An article: {SHOWN['body']}. It is one.",
        SHOWN["body"].upper().replace(" ", "\n  "),
    ],
    ids=["the text", "within a sentence", "in capitals and other white space"],
)
def test_a_row_that_is_an_example_of_a_category_is_refused(
    place: Place, stub: StubMessagesAPI, text: str
) -> None:
    settle(place, lines(30))
    place.write("taxonomy.toml", with_example(text))
    told = refused(place, stub)
    assert "variant 'now': row 'r4' of the sample stands in the examples of category 'play" in told
    assert "take it out of there, or out of the sample" in told


def test_a_row_that_stands_in_the_instructions_of_a_prompt_is_refused(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(30), SUITE + OTHER + ALONE)
    place.write("strict.txt", f"Be strict. {SHOWN['body']}: that is a playbook.")
    told = refused(place, stub)
    assert "variant 'strict': row 'r4' of the sample stands in the instructions of the" in told


def test_words_that_stand_in_a_prompt_by_chance_are_no_leak(
    place: Place, stub: StubMessagesAPI
) -> None:
    short: Line = {"id": "short", "body": "a playbook", "gold": "playbook"}
    settle(place, [*lines(30), short])
    place.write("taxonomy.toml", with_example("This is a playbook, and a good one"))
    assert place.run("eval", "suite.toml").status != 2
    place.write("taxonomy.toml", with_example("A playbook"))
    assert "row 'short'" in place.run("eval", "suite.toml").err


def test_capitals_do_not_hide_a_row_that_a_local_classifier_learned(place: Place) -> None:
    learned = [{"body": each["body"].upper(), "gold": each["gold"]} for each in lines(20)]
    settle(place, lines(30), SUITE + ALONE + 'model = "local"\nexamples = "examples.jsonl"\n')
    place.write("examples.jsonl", "".join(json.dumps(each) + "\n" for each in learned))
    ended = place.run("eval", "suite.toml")
    assert (ended.status, "was fitted on 20 of the 30 rows" in ended.err) == (2, True)


def test_a_saved_classifier_that_does_not_say_what_it_learned_from_is_refused(
    place: Place,
) -> None:
    table = 'model = "local"\nexamples = "examples.jsonl"\nartifact = "m"\n'
    settle(place, lines(30)[20:], SUITE + ALONE + table)
    place.write("examples.jsonl", "".join(json.dumps(each) + "\n" for each in lines(20)))
    assert place.run("eval", "suite.toml").status == 3
    artifact = place.folder / "m"
    write_model(replace(read_model(artifact), seen=None), artifact)
    ended = place.run("eval", "suite.toml")
    assert ended.status == 2
    assert "does not say what it was fitted on" in ended.err
    assert "delete its [classifier] artifact" in ended.err
    artifact.unlink()
    assert place.run("eval", "suite.toml").status == 3


@pytest.mark.parametrize(
    ("vetoed", "told"),
    [
        ("playbok", "'playbok' is no active category of taxonomy 'topics': did you mean 'play"),
        ("convention", "'convention' is no active category"),
        ("zzz", "there are "),
    ],
)
def test_a_veto_of_no_category_is_refused_before_anybody_is_asked(
    place: Place, stub: StubMessagesAPI, vetoed: str, told: str
) -> None:
    settle(place, lines(30), f'{SUITE}{ALONE}[policy]\nveto = ["{vetoed}"]\n')
    assert told in refused(place, stub)


@pytest.mark.slow
def test_two_evaluations_at_once_pay_for_each_row_once(place: Place, stub: StubMessagesAPI) -> None:
    settle(place, lines(40))
    both = [place.start("eval", "suite.toml") for _ in range(2)]
    told = [process.communicate(timeout=120) for process in both]
    assert stub.count == 40
    statuses = {process.returncode for process in both}
    assert statuses in ({0}, {0, 2}), told
