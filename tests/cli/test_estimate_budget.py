"""What `estimate` says of a budget, held against the run that has it."""

from __future__ import annotations

import pytest

from kclassify.testing import StubMessagesAPI
from tests.cli.place import Place, rows


def told(place: Place, budget: float, *more: str) -> str:
    return place.run("estimate", "--budget-usd", str(budget), *more).out


def test_a_budget_under_the_most_that_one_call_can_cost_halts_the_run_at_once(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(1))
    worst = place.run("estimate", "--json").json["worst_call_usd"]
    said = f"leaves $0.0100, and one call may cost ${worst:.4f} at most, so the run halts at once."
    assert said in told(place, 0.01)
    assert told(place, worst + 0.0001).endswith(", which is enough.\n")
    stub.clear()
    assert place.run("dry-run", "--budget-usd", "0.01").status == 1
    assert stub.count == 0
    assert place.run("dry-run", "--budget-usd", str(worst)).status == 0


def test_a_budget_under_the_most_that_a_long_text_can_cost_may_halt_the_run(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle([*rows(1), (2, "a pattern " * 500, None)])
    assert "so the run may halt at once." in told(place, 0.025)


def test_a_budget_that_is_less_than_the_estimate_or_barely_more_is_told(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(90))
    high = place.run("estimate", "--json").json["ways"][0]["usd"]["high"]
    assert "leaves $0.0250, less than the estimate: the run will halt" in told(place, 0.025)
    assert "which is enough" in told(place, 100)
    assert "less than the upper end of the interval" in told(place, high - 0.0001)
    assert "the run may halt before the last ones." in told(place, high + 0.001)


def test_in_batches_it_is_the_most_that_a_request_can_cost_at_their_price(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(1))
    said = told(place, 0.001, "--transport", "batch")
    assert "▸  batched" in said
    assert "and one request may cost $0.0" in said
    direct, batch = (
        place.run("estimate", "--transport", how, "--json").json["worst_call_usd"]
        for how in ("direct", "batch")
    )
    assert batch < direct


def test_more_calls_at_once_take_less_time(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(60))
    hours = [
        place.run("estimate", "--max-concurrency", each, "--json").json["ways"][0]["hours"]["value"]
        for each in ("2", "20")
    ]
    assert hours[0] == pytest.approx(10 * hours[1])
