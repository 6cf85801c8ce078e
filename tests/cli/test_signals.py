"""Signals on the real process, in the middle of a run."""

from __future__ import annotations

import json
import signal

import pytest

from kclassify.testing import Hang, Rule, StubMessagesAPI
from kclassify.testing.latency import FixedLatency
from tests.cli.place import Place, rows, rule

ITEMS = 40


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_mid_run_leaves_a_run_that_is_finished_by_the_same_command(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    place.settle(rows(ITEMS))
    with StubMessagesAPI(Rule(rule), latency=FixedLatency(0.05)) as stub:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
        process = place.start("commit", "--override", "a test", "--json")
        stub.wait_until(lambda state: state.answered >= 10, timeout_s=60)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 75, err
        assert "Traceback" not in err
        assert f"stopping: {number.name} received" in err
        facts = json.loads(out)
        assert facts["decision"]["reason"] == "the run was asked to stop"
        settled = facts["pass"]["settled"]
        assert 0 < settled < ITEMS
        assert list(place.labels().values()).count("convention") == ITEMS - settled

        again = place.run("commit", "--override", "a test", "--json")
        assert again.status == 0
        assert again.json["pass"]["settled"] == ITEMS
        assert stub.count == stub.answered == ITEMS
        assert "convention" not in place.labels().values()


def test_a_second_signal_cancels_and_the_run_can_still_be_resumed(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(6), "grace_s = 60\n")
    stub.set_fault(Hang())
    process = place.start("dry-run")
    stub.wait_until(lambda state: state.in_flight == 4, timeout_s=60)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "stopping" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "run the same command again" in err
    assert "Traceback" not in err
    stub.set_fault(None)
    assert place.run("dry-run").status == 0
