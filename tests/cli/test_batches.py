"""`kclassify batches`, over batches whose pass nobody goes on with."""

from __future__ import annotations

import pytest

from kclassify.testing import BatchRules, ResetAtOnce, Rule, StubMessagesAPI
from tests.cli.place import Place, rows, rule
from tests.cli.test_cost import BATCHES, billed, until_done


def mend(place: Place) -> None:
    """Another prompt: what was asked before is not asked with it."""
    taxonomy = place.folder / "taxonomy.toml"
    text = taxonomy.read_text()
    assert "definition" in text
    taxonomy.write_text(text.replace('definition = "', 'definition = "indeed ', 1))


def in_flight(place: Place, stub: StubMessagesAPI) -> str:
    """The name of a batch of four articles that is in progress."""
    place.settle(rows(4), BATCHES)
    stub.set_batch_rules(BatchRules(seconds=None))
    assert place.run("dry-run", "--once").status == 75
    return str(place.run("batches", "--json").json[0]["id"])


def cost(place: Place) -> dict[str, float]:
    facts: dict[str, float] = place.run("status", "--json").json["cost"]
    return facts


def test_a_commit_takes_what_the_dry_run_sent(place: Place, stub: StubMessagesAPI) -> None:
    name = in_flight(place, stub)
    ended = place.run("commit", "--once", "--override", "a test")
    assert ended.status == 75
    assert f"batch {name} is in progress" in ended.out
    stub.end_batches()
    assert place.run("commit", "--override", "a test").status == 0
    assert stub.bill.answers == 4
    assert cost(place)["usd"] == billed(stub)


def test_batches_of_an_older_prompt_are_read_at_once(
    any_place: Place, stub: StubMessagesAPI
) -> None:
    name = in_flight(any_place, stub)
    mend(any_place)
    early = any_place.run("batches", "--read")
    assert (early.status, "sent" in early.out) == (0, True)
    stub.end_batches()
    read = any_place.run("batches", "--read")
    assert read.status == 0
    assert f"batch {name}: 4 of 4 requests answered, $0.0" in read.out
    assert any_place.run("batches").out == "Run 'articles' has no batches at the provider.\n"
    assert cost(any_place)["usd"] == billed(stub) > 0
    steps = any_place.run("status", "--json", "--steps").json["steps"]
    assert steps[-1]["decision"] == "batches were read"
    assert steps[-1]["cost"]["usd"] == billed(stub)


def test_what_is_read_is_data_too(place: Place, stub: StubMessagesAPI) -> None:
    in_flight(place, stub)
    stub.end_batches()
    (read,) = place.run("batches", "--read", "--json").json
    assert (read["status"], read["read"], read["held_usd"]) == ("read", 4, 0.0)


def test_batches_that_are_gone_are_told_and_given_up(
    any_place: Place, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_place.settle(rows(4), BATCHES)
    stub.set_batch_rules(BatchRules(seconds=None))
    any_place.run("dry-run", "--once", "--budget-usd", "1")
    with StubMessagesAPI(Rule(rule), batch_rules=BatchRules()) as other:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", other.url)
        read = any_place.run("batches", "--read")
        assert read.status == 1
        assert "`kclassify batches --forget`" in read.err
        held = cost(any_place)["held_usd"]
        forgotten = any_place.run("batches", "--forget")
        assert forgotten.status == 0
        assert "1 batch is given up, what is not answered is asked again: $0.0" in forgotten.out
        after = cost(any_place)
        assert (after["held_usd"], after["uncertain_usd"]) == (0.0, held)
        until_done(any_place)
        assert other.bill.answers == 4


def test_one_on_its_way_cannot_be_cancelled(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(4), BATCHES)
    stub.script([ResetAtOnce()])
    place.run("dry-run", "--once")
    ended = place.run("batches", "--cancel")
    assert ended.status == 1
    assert "1 batch is on its way and cannot be cancelled yet" in ended.err


@pytest.mark.parametrize("two", [("--read", "--forget"), ("--cancel", "--read")])
def test_one_thing_is_done_at_a_time(place: Place, two: tuple[str, str]) -> None:
    place.settle(rows(2), BATCHES)
    ended = place.run("batches", *two)
    assert ended.status == 2
    assert "one of --cancel, --read and --forget" in ended.err
