"""Who works on a run, as `kclassify status` tells it."""

from __future__ import annotations

import pytest

from kclassify.cli.ledger_reports import report_run
from kclassify.holder import described, this_holder
from kclassify.store import RunReport
from kclassify.testing import Hang, StubMessagesAPI
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


def test_a_holder_of_another_form_is_shown_as_it_is() -> None:
    assert described("a worker") == "a worker"
    assert described(this_holder()).startswith("process ")
