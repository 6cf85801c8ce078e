from __future__ import annotations

import pytest

from kclassify.testing.simulation import simulate
from kclassify.testing.simulation.command import main
from tests.simulation.planted_bugs import PLANTED, Planted, blind_write

SEEDS = 400
CASES = [
    pytest.param(bug, id=bug.plant.__name__, marks=[pytest.mark.nightly] if bug.is_rare else [])
    for bug in PLANTED
]


@pytest.mark.parametrize("bug", CASES)
def test_the_simulation_finds_the_bug(bug: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    bug.plant(monkeypatch)
    assert any(bug.found in simulate(seed).told for seed in range(SEEDS))


def test_the_command_tells_how_to_replay_what_it_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blind_write(monkeypatch)
    assert main(["--runs", "30", "--jobs", "1"]) == 1
    told = capsys.readouterr().out
    assert "6. a row was written that did not hold the label that was read" in told
    (replay, *_) = [line.split() for line in told.splitlines() if "--trace" in line]
    assert main(replay[3:]) == 1
    shown = capsys.readouterr().out
    assert "a row was written that did not hold" in shown
    assert shown.count("\n") > 20
