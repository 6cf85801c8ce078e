"""What a run costs, as the commands tell it, held against the bill that the provider would send."""

from __future__ import annotations

import io
import signal

import pytest

from kclassify.cli.after_stop import see_to_batches
from kclassify.cli.course import Course
from kclassify.cli.running import Result
from kclassify.config import load_settings
from kclassify.core.decision import Advance, Pause
from kclassify.core.price import NANODOLLARS
from kclassify.testing import BatchRules, Overloaded, StubMessagesAPI
from tests.cli.place import Place, rows

BATCHES = '[classifier]\ntransport = "batch"\n[batch]\npoll_s = 0.01\n'
UNPRICED = '[classifier]\nmodel = "anthropic/claude-unheard-of"\n'


def billed(stub: StubMessagesAPI) -> float:
    return sum(line.nanodollars or 0 for line in stub.bill.lines) / NANODOLLARS


def until_done(place: Place) -> None:
    """Step by step, as a job system would: nobody waits for the provider."""
    for _ in range(10):
        if place.run("dry-run", "--once").status == 0:
            return
    pytest.fail("it does not come to an end")


def test_the_metered_dollars_are_those_of_the_bill(any_place: Place, stub: StubMessagesAPI) -> None:
    any_place.settle(rows(12))
    first = any_place.run("dry-run", "--max-items", "5", "--json").json
    assert first["cost"]["run_usd"] == first["cost"]["call_usd"] == billed(stub) > 0
    second = any_place.run("dry-run", "--json").json
    assert second["cost"]["run_usd"] == billed(stub)
    assert second["cost"]["call_usd"] == pytest.approx(billed(stub) - first["cost"]["run_usd"])
    facts = any_place.run("status", "--json", "--steps").json
    assert facts["cost"]["usd"] == facts["passes"][0]["cost"]["usd"] == billed(stub)
    assert facts["passes"][0]["steps"] == len(facts["steps"]) == 2
    assert sum(step["cost"]["usd"] for step in facts["steps"]) == pytest.approx(billed(stub))
    shown = any_place.run("status", "--steps").out
    assert "Cost: $0.0" in shown
    assert "for 12 calls" in shown
    assert shown.count("paused: max_items is reached") == 1


def test_a_budget_halts_a_run_that_goes_on_when_it_is_raised(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(90))
    halted = place.run("dry-run", "--budget-usd", "0.03", "--json")
    assert halted.status == 1
    assert halted.json["decision"]["reason"].startswith("budget: ")
    assert halted.json["cost"]["budget_usd"] == 0.03
    settled = halted.json["pass"]["settled"]
    assert 0 < settled < 90
    assert billed(stub) <= 0.03
    again = place.run("dry-run", "--budget-usd", "0.03")
    assert again.status == 1
    assert f"\n{90 - settled} items left.\nCost of the run: $0.0" in again.out
    assert stub.count == settled
    assert place.run("dry-run", "--budget-usd", "5").status == 0
    assert stub.count == 90


def test_without_a_price_there_is_no_budget_and_the_cost_is_unknown(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(2), UNPRICED)
    refused = place.run("dry-run", "--budget-usd", "1")
    assert refused.status == 2
    assert '[prices."anthropic/claude-unheard-of"]' in refused.err
    assert stub.count == 0
    ended = place.run("dry-run")
    said = "unknown (no price for anthropic/claude-unheard-of)"
    assert ended.out.endswith(f"Cost of the run: {said}\n")
    assert place.run("status", "--json").json["cost"]["usd"] is None
    told = "Cost: unknown for 2 calls (no price for anthropic/claude-unheard-of)"
    assert told in place.run("status").out


def test_batches_are_listed_and_cancelled_and_what_was_not_answered_is_asked_again(
    any_place: Place, stub: StubMessagesAPI
) -> None:
    any_place.settle(rows(6), BATCHES)
    stub.set_batch_rules(BatchRules(seconds=None))
    ended = any_place.run("dry-run", "--once")
    assert ended.status == 75
    (listed,) = any_place.run("batches", "--json").json
    assert (listed["status"], listed["requests"], listed["read"]) == ("sent", 6, 0)
    assert listed["id"] in any_place.run("batches").out
    cancelled = any_place.run("batches", "--cancel")
    assert cancelled.status == 0
    assert "1 batch is canceled: the next step reads" in cancelled.out
    stub.set_batch_rules(BatchRules())
    until_done(any_place)
    assert any_place.run("batches").out == "Run 'articles' has no batches at the provider.\n"
    assert {line.transport for line in stub.bill.lines} == {"batch"}
    assert any_place.run("status", "--json").json["passes"][0]["outcomes"] == {"judged": 6}
    assert any_place.run("status", "--json").json["cost"]["usd"] == billed(stub)


def test_a_run_in_batches_is_not_asked_again_by_calls(
    any_place: Place, stub: StubMessagesAPI
) -> None:
    any_place.settle(rows(3))
    assert any_place.run("dry-run", "--transport", "batch", "--once").status == 75
    before = stub.count
    ended = any_place.run("dry-run")
    assert ended.status == 1
    assert "Halted: 1 batch of this run is not read yet (msgbatch_" in ended.out
    assert "mended" not in ended.out
    assert stub.count == before


def test_a_batch_that_cannot_be_cancelled_is_told(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2))
    stub.set_batch_rules(BatchRules(seconds=None))
    place.run("dry-run", "--transport", "batch", "--once")
    stub.set_fault(Overloaded())
    ended = place.run("batches", "--cancel", "--json")
    assert ended.status == 1
    assert ended.json[0]["canceled"] is False
    assert ended.json[0]["problem"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "is_canceled"), [("\n", False), ("y\n", True)])
def test_on_a_terminal_a_stop_asks_whether_to_cancel_and_takes_no_answer_for_no(
    place: Place,
    stub: StubMessagesAPI,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    is_canceled: bool,
) -> None:
    place.settle(rows(2), BATCHES)
    stub.set_batch_rules(BatchRules(seconds=None, canceling_s=1000))
    place.run("dry-run", "--once")
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    stopped = Result(Advance(None, Pause.STOPPED), Course(), None)
    see_to_batches(load_settings(), stopped, None)
    (batch,) = stub.batches
    assert batch.status == ("canceling" if is_canceled else "in_progress")


def test_a_stop_says_how_batches_that_go_on_are_cancelled(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(4))
    stub.set_batch_rules(BatchRules(seconds=None))
    process = place.start("dry-run", "--transport", "batch")
    assert process.stderr is not None
    while "is with the provider: 4 requests" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "1 batch goes on at the provider: `kclassify batches --cancel` ends it" in err
