"""Signals on the real process, while an evaluation asks."""

from __future__ import annotations

import json
import signal

import pytest

from kclassify.testing import Hang, Rule, StubMessagesAPI
from kclassify.testing.latency import FixedLatency
from tests.cli.place import Place, rule
from tests.cli.test_eval import ALONE, SUITE, lines, settle

ROWS = 40
TWO_AT_ONCE = SUITE.replace("concurrency = 1", "concurrency = 2") + ALONE


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.nightly)]
)
def test_a_signal_stops_an_evaluation_in_order_and_the_same_command_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    settle(place, lines(ROWS), TWO_AT_ONCE)
    with StubMessagesAPI(Rule(rule), latency=FixedLatency(0.05)) as stub:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
        with place.start("eval", "suite.toml", "--json") as process:
            try:
                stub.wait_until(lambda state: state.answered >= 10, timeout_s=60)
                process.send_signal(number)
                out, err = process.communicate(timeout=30)
            finally:
                process.kill()
        assert process.returncode == 5, err
        assert "Traceback" not in err
        assert f"kclassify: stopping: {number.name} received" in err
        facts = json.loads(out)
        assert facts["reason"] == f"stopped ({number.name} received)"
        assert 0 < facts["missing"] == ROWS - stub.answered
        assert not (place.folder / "gate.json").exists()

        told = place.run("eval", "suite.toml", "--replay-only").out.splitlines()[0]
        assert told.startswith(f"Incomplete: {facts['missing']} answers of 'now' are missing: ")
        assert place.run("eval", "suite.toml").status == 0
        assert stub.count == stub.answered == ROWS


@pytest.mark.slow
def test_a_second_signal_cancels_and_what_was_answered_is_kept(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(20))
    stub.script([None] * 8 + [Hang()])
    with place.start("eval", "suite.toml") as process:
        try:
            stub.wait_until(lambda state: state.count == 9, timeout_s=60)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            while "stopping" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    stub.clear()
    assert place.run("eval", "suite.toml").status == 3
    assert stub.count == 12
