"""The simulation's command line: `python -m kclassify.testing.simulation`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import count, takewhile
from typing import Any

from kclassify.testing.simulation.report import Report
from kclassify.testing.simulation.sweep import Figures, simulate_many
from kclassify.testing.simulation.world import simulate

PROGRAM = "python -m kclassify.testing.simulation"
_FIGURES = (
    ("items", "items"),
    ("calls", "calls"),
    ("processes", "processes"),
    ("kills", "killed"),
    ("database_errors", "ended by their database"),
    ("superseded", "superseded"),
    ("outages", "outages"),
    ("snoozes", "snoozes"),
    ("halts", "halts"),
    ("paid_twice", "calls paid twice"),
    ("may_be_paid_twice", "in flight when a process ended"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when no simulation found anything, else 1."""
    asked = _parser().parse_args(arguments)
    if asked.trace:
        return _show(simulate(asked.seed))
    figures = _sweep(asked)
    facts = _facts(figures)
    sys.stdout.write(json.dumps(facts) if asked.json else _told(facts))
    sys.stdout.write("\n")
    return 1 if figures.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="The real runner in simulated worlds, one for each seed."
    )
    add = parser.add_argument
    add("--runs", type=int, default=1000, help="simulations (default: %(default)s)")
    add("--seed", type=int, default=0, help="the first seed (default: %(default)s)")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: processors)")
    add("--minutes", type=float, help="go on for so long, whatever --runs says")
    add("--json", action="store_true", help="the figures as one JSON object")
    add("--trace", action="store_true", help="one simulation, event by event")
    return parser


def _sweep(asked: argparse.Namespace) -> Figures:
    figures = Figures()
    is_shown = sys.stderr.isatty()
    for figures in simulate_many(_seeds(asked), asked.jobs):  # the last one counts
        if is_shown:
            sys.stderr.write(f"\r{figures.runs:,} runs, {len(figures.failed)} failed")
            sys.stderr.flush()
    if is_shown:
        sys.stderr.write("\n")
    return figures


def _seeds(asked: argparse.Namespace) -> Iterator[int]:
    if asked.minutes is None:
        return iter(range(asked.seed, asked.seed + asked.runs))
    until = time.monotonic() + asked.minutes * 60
    return takewhile(lambda _: time.monotonic() < until, count(asked.seed))


def _facts(figures: Figures) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "runs": figures.runs,
        "simulated_hours": round(figures.simulated_s / 3600, 1),
        "items": figures.items,
        "outages": figures.outages,
        **asdict(figures.tally),
    }
    replays = {seed: f"{PROGRAM} --seed {seed} --trace" for seed in sorted(figures.failed)}
    facts["failed"] = [
        {"seed": seed, "found": figures.failed[seed].splitlines(), "replay": replay}
        for seed, replay in replays.items()
    ]
    return facts


def _told(facts: dict[str, Any]) -> str:
    lines = [f"{facts['runs']:,} runs over {facts['simulated_hours']:,} simulated hours"]
    lines += [f"{facts[name]:>12,}  {told}" for name, told in _FIGURES]
    for each in facts["failed"]:
        lines += ["", f"seed {each['seed']}:", *(f"  {line}" for line in each["found"])]
        lines.append(f"  {each['replay']}")
    lines += ["", f"{len(facts['failed'])} failed" if facts["failed"] else "nothing was found"]
    return "\n".join(lines)


def _show(report: Report) -> int:
    for at, *what in report.trace:
        sys.stdout.write(f"{at:>12}  {'  '.join(map(str, what))}\n")
    sys.stdout.write(f"{report.told or 'nothing was found'}\n")
    return 0 if report.is_clean else 1
