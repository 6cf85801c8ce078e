"""`kclassify retry` and what `failures` says of it."""

from __future__ import annotations

import pytest

from kclassify.testing import Refusal, StubMessagesAPI, Unauthorized
from tests.cli.place import TAXONOMY, Place, rows

EMPTY = [(9, " ", None)]


def fail_first(place: Place, stub: StubMessagesAPI) -> None:
    """A finished dry run over four items, the first of which was refused."""
    place.settle(rows(4))
    stub.script([Refusal()])
    assert place.run("dry-run", "--max-concurrency", "1").status == 0


def test_another_model_than_that_of_the_run_is_refused_before_anything_is_forgotten(
    place: Place, stub: StubMessagesAPI
) -> None:
    fail_first(place, stub)
    ended = place.run("retry", "--model", "claude-dearer")
    assert (ended.status, ended.out, stub.count) == (2, "", 4)
    (line,) = ended.err.splitlines()
    assert "was classified by anthropic/claude-haiku-4-5" in line
    assert "the model is anthropic/claude-dearer now" in line
    assert "--model anthropic/claude-haiku-4-5, or start anew with `kclassify dry-run`" in line
    assert place.run("retry", "--json").json["retried"] == 1
    assert stub.count == 5


def test_a_changed_taxonomy_is_refused_with_the_way_out(
    place: Place, stub: StubMessagesAPI
) -> None:
    fail_first(place, stub)
    place.write("taxonomy.toml", TAXONOMY.replace("steps to carry out", "steps"))
    ended = place.run("retry", "--commit", "--override", "a test")
    assert (ended.status, ended.out, stub.count) == (2, "", 4)
    assert "a change of the taxonomy or prompt" in ended.err
    assert "start anew with `kclassify dry-run`" in ended.err


def test_the_pass_whose_failures_are_listed_is_what_a_retry_has_to_agree_with(
    place: Place, stub: StubMessagesAPI
) -> None:
    fail_first(place, stub)
    stub.script([Refusal()])
    dearer = ("--model", "claude-dearer", "--max-concurrency", "1")
    place.run("dry-run", *dearer, "--max-items", "2")
    asked = stub.count
    assert place.run("retry").status == 2
    assert place.run("retry", *dearer, "--json").json["retried"] == 1
    assert stub.count == asked + 3  # the one that failed, and two that were never asked about


def test_a_dry_run_that_is_not_finished_is_retried_from_its_start(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(4))
    stub.script([Refusal()])
    place.run("dry-run", "--max-concurrency", "1", "--max-items", "2")
    assert len(place.run("failures", "--json").json) == 1
    ended = place.run("retry", "--json").json
    assert (ended["retried"], ended["exit_status"]) == (1, 0)
    assert place.run("failures", "--json").json == []
    assert stub.count == 5


def test_a_commit_that_is_not_finished_is_retried_from_its_start(
    place: Place, stub: StubMessagesAPI
) -> None:
    fail_first(place, stub)
    override = ("--override", "a test")
    place.run("commit", *override, "--max-items", "2")
    assert place.labels()[1] == "convention"
    assert place.run("retry", "--commit", *override, "--json").json["retried"] == 1
    assert "convention" not in place.labels().values()
    assert stub.count == 5


def test_a_retry_that_halts_names_the_command_that_goes_on_with_it(
    place: Place, stub: StubMessagesAPI
) -> None:
    fail_first(place, stub)
    stub.set_fault(Unauthorized())
    ended = place.run("retry")
    assert ended.status == 1
    assert "run `kclassify dry-run`, which goes on with it" in ended.out
    stub.set_fault(None)
    again = place.run("retry")
    assert (again.status, again.err) == (0, "")
    assert "pass 2 is not finished: `kclassify dry-run` goes on with it" in again.out
    assert place.run("dry-run").status == 0
    assert place.run("failures", "--json").json == []


@pytest.mark.parametrize("as_json", [True, False])
def test_nothing_to_retry_is_a_success_that_says_why(
    place: Place, stub: StubMessagesAPI, as_json: bool
) -> None:
    place.settle([*rows(2), *EMPTY])
    place.run("dry-run", "--max-items", "1")
    options = ("--json",) if as_json else ()
    unfinished = place.run("retry", *options)
    place.run("dry-run")
    empty = place.run("retry", *options)
    other = place.run("retry", "--kind", "refused", *options)
    asked = (
        (unfinished, "pass 1 is not finished"),
        (empty, "empty bodies"),
        (other, "of kind refused"),
    )
    for ended, reason in asked:
        assert (ended.status, ended.err) == (0, "")
        said = ended.json["reason"] if as_json else ended.out
        assert reason in said
        assert not as_json or (ended.json["retried"], ended.json["exit_status"]) == (0, 0)
    assert stub.count == 2


def test_failures_say_about_how_many_a_retry_asks(place: Place, stub: StubMessagesAPI) -> None:
    place.settle([*rows(4), *EMPTY])
    stub.script([Refusal()])
    place.run("dry-run", "--max-concurrency", "1")
    assert "2 failures; `kclassify retry` asks again about 1 of them" in place.run("failures").out
    refused = place.run("failures", "--kind", "refused").out
    assert "1 failure; `kclassify retry` asks again." in refused
    empty = place.run("failures", "--kind", "empty").out
    assert "no call is made for an empty body" in empty
    assert "asks again" not in empty
