"""The last decision of a pass, as `kclassify status` tells it while others were made since."""

from __future__ import annotations

from kclassify.cli.last_decision import last_decision
from kclassify.core.passes import Mode
from kclassify.core.states import PassStatus
from kclassify.core.verdict import Usage
from kclassify.store import PassReport
from kclassify.testing import Hang, StubMessagesAPI
from tests.cli.place import Place, rows


def test_a_halt_of_before_is_told_with_its_age_while_the_pass_is_at_work(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(6))
    assert place.run("dry-run", "--budget-usd", "0.001").status == 1
    halted = place.run("status").out
    assert " s ago: halted: budget: $0.00 of $0.0010 is spent" in halted
    assert "raise [runner]" not in halted
    full = place.run("status", "--json").json["passes"][0]["last_decision"]
    assert full.endswith("it goes on where it stopped")
    stub.set_fault(Hang())
    process = place.start("dry-run")
    try:
        stub.wait_until(lambda state: state.in_flight > 0, timeout_s=60)
        assert "at work; " in place.run("status").out
        assert " s ago: halted: budget" in place.run("status").out
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert "gone on with, and left; " in place.run("status").out
    stub.set_fault(None)
    assert place.run("dry-run").status == 0
    done = place.run("status").out
    assert "ago" not in done
    assert "budget" not in done


def test_a_ledger_that_did_not_know_of_steps_has_no_age_to_tell() -> None:
    report = PassReport(
        1, Mode.DRY_RUN, PassStatus.OPEN, "m", "f", "s", 0, None, (), {}, {}, Usage(), None, None,
        None, 1.0, 2.0, None, "snoozed 9 s: busy",
    )  # fmt: skip
    assert last_decision(report, is_worked_on=False) == "snoozed 9 s: busy"
    assert last_decision(report, is_worked_on=True) == "at work; snoozed 9 s: busy"
