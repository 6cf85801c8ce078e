"""What is said of cost where there is little to say: nothing asked, no items, next to no money."""

from __future__ import annotations

from kclassify.testing import StubMessagesAPI
from tests.cli.place import Place, rows


def test_a_run_that_recalls_everything_says_that_it_cost_nothing(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(3))
    place.run("dry-run")
    ended = place.run("dry-run", "--run", "again")
    assert "(0 calls, 3 recalled)" in ended.out
    assert ended.out.endswith("\nCost of the run: $0.00\n")


def test_what_earlier_commands_asked_without_a_price_is_told_as_theirs(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(3))
    place.run("dry-run", "--model", "claude-unheard-of")
    ended = place.run("dry-run", "--model", "claude-unheard-of")
    said = "unknown, $0.00 of it by this command (no price for calls before this command)"
    assert ended.out.endswith(f"\nCost of the run: {said}\n")


def test_next_to_no_money_is_not_told_as_none(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(1))
    ended = place.run("dry-run", "--budget-usd", "1e-12")
    assert ended.status == 1
    assert "$0.00 of less than $0.0001 is spent" in ended.out
    assert ended.out.endswith("\nCost of the run: $0.00 of less than $0.0001\n")
    assert stub.count == 0


def test_advice_on_the_cache_is_for_those_who_ask(place: Place, stub: StubMessagesAPI) -> None:
    place.settle([])
    assert place.run("dry-run", "--json").json["warnings"] == []


def test_advice_on_the_cache_speaks_of_requests_in_batches(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(1))
    (direct,) = place.run("dry-run", "--json").json["warnings"]
    (batch,) = place.run(
        "dry-run", "--run", "b", "--model", "claude-haiku-4-5-20251001", "--transport", "batch",
        "--once", "--json",
    ).json["warnings"]  # fmt: skip
    assert direct.endswith("every call pays for all of it")
    assert batch.endswith("every request of a batch pays for all of it")
