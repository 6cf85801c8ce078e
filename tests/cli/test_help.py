from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.place import Place

COMMANDS = (
    "init", "demo", "estimate", "dry-run", "sample", "label", "eval", "commit", "start", "kick",
    "divide", "status", "batches", "failures", "retry", "audit", "rollback",
)  # fmt: skip


def test_the_help_lists_the_commands_in_the_order_of_their_use(place: Place) -> None:
    shown = place.run("--help").out
    found = [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines()]
    assert found == list(COMMANDS)
    assert "..." not in shown.partition("Commands:\n")[2]


@pytest.mark.parametrize("command", ["dry-run", "commit"])
def test_the_help_of_a_run_says_what_its_exit_statuses_mean(place: Place, command: str) -> None:
    lines = [line.strip() for line in place.run(command, "--help").out.splitlines()]
    assert "Exit status: 0 done or at --max-items, 1 failed, 2 usage, 75 unfinished" in lines
    assert any(line.endswith("Stop after so many items, with status 0.") for line in lines)


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "kclassify", "--version"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("kclassify 0.")


def test_no_command_shows_the_help(place: Place) -> None:
    ended = place.run()
    assert ended.status == 2
    assert "Usage: kclassify" in ended.out + ended.err
