"""Measures kclassify and its peers side by side: `python -m benchmarks.peers --help`."""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers import tools
from benchmarks.peers.figures import Figures, medians
from benchmarks.peers.run import run
from benchmarks.peers.scenarios import Scenario, scenarios
from benchmarks.peers.table import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Installs what is missing, measures round by round, writes the results and prints them."""
    given = _parser().parse_args(arguments)
    versions = {tool: _installed(tool, given.python) for tool in map(tools.Tool, given.tools)}
    every = scenarios(given.items)
    measured: dict[str, list[Figures]] = {}
    for name in given.scenarios:
        measured[name] = _in_rounds(versions, every[name], given.rounds, given.concurrency)
        if given.output is not None:
            given.output.write_text(_told(given, measured), encoding="utf-8")
    tables(measured)


def _told(given: argparse.Namespace, measured: Mapping[str, Sequence[Figures]]) -> str:
    results = {
        "date": datetime.now(UTC).date().isoformat(),
        "items": given.items,
        "concurrency": given.concurrency,
        "scenarios": {name: [asdict(one) for one in all_] for name, all_ in measured.items()},
    }
    return json.dumps(results, indent=2) + "\n"


def _parser() -> argparse.ArgumentParser:
    names = scenarios(0)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    add = parser.add_argument
    add("--tools", type=_some_of(tools.NAMES), default=tools.NAMES, help="names, comma-separated")
    add("--scenarios", type=_some_of(names), default=list(names), help="names, comma-separated")
    add("--rounds", type=int, default=3, help="of which the medians are told")
    add("--items", type=int, default=1000, help="texts; the outage takes twice as many")
    add("--concurrency", type=int, default=50)
    add("--python", default=tools.newest_python(), help="the interpreter of the environments")
    add("--output", type=Path, help="a file for the results, as JSON")
    return parser


def _some_of(names: Iterable[str]) -> Callable[[str], list[str]]:
    known = list(names)

    def some(text: str) -> list[str]:
        chosen = text.split(",")
        if stray := sorted(set(chosen) - set(known)):
            raise argparse.ArgumentTypeError(f"no {stray[0]!r} among {', '.join(known)}")
        return chosen

    return some


def _installed(tool: tools.Tool, python: str) -> str | Exception:
    try:
        tools.install(tool, python)
        return tools.version(tool)
    except subprocess.SubprocessError as error:
        return error


def _in_rounds(
    versions: dict[tools.Tool, str | Exception], scenario: Scenario, rounds: int, concurrency: int
) -> list[Figures]:
    """Tool after tool and round after round, so that a busy minute touches all alike."""
    runs: dict[tools.Tool, list[Figures]] = {tool: [] for tool in versions}
    for number in range(1, rounds + 1):
        for tool, version in versions.items():
            print(f"{scenario.name}, round {number} of {rounds}: {tool.name}", flush=True)
            if isinstance(version, str):
                runs[tool].append(run(tool, version, scenario, concurrency))
            else:
                runs[tool].append(_absent(tool, version))
    return [medians(one) for one in runs.values()]


def _absent(tool: tools.Tool, error: Exception) -> Figures:
    said = str(getattr(error, "stderr", "") or error).strip().splitlines()
    return Figures(tool=tool.name, version="", note=f"cannot be installed: {said[0][:200]}")


if __name__ == "__main__":
    main()
