from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from kclassify.ports import Mode
from kclassify.testing.simulation import (
    Figures,
    Outage,
    Scenario,
    SimulatedSettings,
    Trouble,
    simulate,
    simulate_many,
)
from kclassify.testing.simulation.command import PROGRAM, main

COMMAND = [sys.executable, "-W", "error", *PROGRAM.split()[1:]]


def figures_of(seeds: range, jobs: int = 1) -> Figures:
    *_, last = simulate_many(seeds, jobs)
    return last


def test_a_hundred_seeds_find_nothing() -> None:
    figures = figures_of(range(100))
    assert figures.failed == {}
    tally = figures.tally
    assert tally.paid_twice <= tally.may_be_paid_twice
    interesting = (tally.kills, tally.snoozes, tally.halts, tally.superseded, tally.database_errors)
    assert min(interesting) > 10, tally


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_seeds_find_nothing() -> None:
    figures = figures_of(range(200))
    assert figures.runs == 200
    assert figures.failed == {}


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_seeds_find_nothing() -> None:
    assert figures_of(range(100_000), jobs=2).failed == {}


@pytest.mark.parametrize("seed", [3, 19, 54])
def test_the_same_seed_goes_the_same_way(seed: int) -> None:
    first = simulate(seed)
    assert len(first.trace) > 20
    assert simulate(seed).trace == first.trace


def test_another_seed_goes_another_way() -> None:
    assert len({simulate(seed).digest for seed in range(8)}) == 8


def test_another_seed_goes_another_way_in_the_same_scenario() -> None:
    scenario = Scenario.drawn(3)
    assert simulate(3, scenario).digest != simulate(4, scenario).digest


@pytest.mark.parametrize("hash_seed", ["4711"])
def test_a_seed_goes_the_same_way_in_any_process(hash_seed: str) -> None:
    program = (
        "from kclassify.testing.simulation import simulate\n"
        "print([simulate(seed).digest for seed in range(60)])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": hash_seed},
    ).stdout
    assert told.strip() == str([simulate(seed).digest for seed in range(60)])


def test_no_thread_takes_part() -> None:
    before = threading.active_count()
    simulate(1)
    assert threading.active_count() == before


def test_a_scenario_of_ones_own() -> None:
    drawn = Scenario.drawn(1)
    scenario = replace(
        drawn,
        goals=(Mode.DRY_RUN,),
        outages=(Outage(2.0, 62.0, Trouble.OVERLOADED, retry_after_s=10.0),),
        calm_from=62.0,
        kill=0.0,
        workers=1,
        settings=SimulatedSettings(max_concurrency=2, snooze_seconds=20),
    )
    report = simulate(1, scenario)
    assert report.is_clean, report.told
    assert report.tally.snoozes >= 1


def test_the_command_prints_figures() -> None:
    run = subprocess.run(
        [*COMMAND, "--runs", "20", "--jobs", "1"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("20 runs over ")
    assert run.stdout.endswith("nothing was found\n")
    assert run.stderr == ""


def test_the_command_prints_them_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--runs", "10", "--jobs", "1", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["runs"], facts["failed"]) == (10, [])
    assert facts["paid_twice"] <= facts["may_be_paid_twice"]


def test_the_command_goes_on_for_so_long(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--minutes", "0.002", "--jobs", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] >= 1
