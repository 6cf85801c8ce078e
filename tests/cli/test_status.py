"""Who works on a run, as `kclassify status` tells it."""

from __future__ import annotations

import time

import pytest

from kclassify.cli.ledger_reports import report_run
from kclassify.core.availability import Breaker
from kclassify.holder import described, this_holder
from kclassify.store import RunReport
from kclassify.testing import Hang, Overloaded, StubMessagesAPI
from tests.cli.place import Place, rows


def test_status_names_the_process_that_works_and_says_when_it_is_gone(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(4))
    stub.set_fault(Hang())
    process = place.start("dry-run")
    try:
        stub.wait_until(lambda state: state.in_flight == 4, timeout_s=60)
        assert f"Held by process {process.pid} on " in place.run("status").out
        assert f":{process.pid}:" in place.run("status", "--json").json["holder"]
    finally:
        process.kill()
        process.communicate(timeout=60)
    left = place.run("status").out
    assert f"Left by process {process.pid} on " in left
    assert "is no longer running: the same command goes on at once" in left
    assert place.run("status", "--json").json["holder"] is None
    stub.set_fault(None)
    assert place.run("dry-run").status == 0
    finished = place.run("status").out
    assert "Left by" not in finished
    assert "Held by" not in finished


def test_a_worker_of_another_machine_is_given_up_when_its_lease_is_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = RunReport("articles", "a table", 1.0, "elsewhere/boot/ns:12:34#ab", 2.0, ())
    report_run(report, as_json=False)
    shown = capsys.readouterr().out
    assert "Left by process 12 on elsewhere, silent since 1970-01-01T00:00:02+00:00" in shown


@pytest.mark.parametrize(
    ("until_in", "told"),
    [(3600, "2 snoozes so far, the last until "), (-1, "the last over since ")],
)
def test_an_outage_is_told_and_when_it_is_asked_again(
    until_in: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    breaker = Breaker(2, time.time() + until_in, 3600, outage_since=2.0)
    report = RunReport("articles", "a table", 1.0, None, 0.0, (), breaker)
    report_run(report, as_json=False)
    shown = capsys.readouterr().out
    assert "No answer from the provider since 1970-01-01T00:00:02+00:00: 2 snoozes" in shown
    assert told in shown


def test_status_as_json_tells_the_outage_of_the_run_and_its_end(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(6))
    stub.set_fault(Overloaded())
    assert place.run("dry-run", "--once").status == 75
    outage = place.run("status", "--json").json["outage"]
    assert (outage["snoozes"], outage["since"] < outage["snooze_until"]) == (1, True)
    assert "1 snooze" in place.run("status").out
    stub.set_fault(None)
    assert place.run("dry-run").status == 0
    assert place.run("status", "--json").json["outage"] is None
    assert "No answer" not in place.run("status").out


def test_a_holder_of_another_form_is_shown_as_it_is() -> None:
    assert described("a worker") == "a worker"
    assert described(this_holder()).startswith("process ")
