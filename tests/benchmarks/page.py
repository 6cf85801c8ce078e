"""The figures of docs/performance.md, from what was saved: `python -m tests.benchmarks.page`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.ratios import Ratio, read

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = REPOSITORY / "docs" / "performance.md"
PEERS = REPOSITORY / "benchmarks" / "peers" / "results.json"
GROUPS = ("processor", "window", "writes", "reads", "memory", "start", "evaluation")
NOT_MEASURED = "Nothing has been measured yet."
FLOOR = "anthropic"
_COLUMNS = ("items_per_second", "processor_s", "peak_mb", "lost", "asked_again", "seconds")


def group(name: str, ratios: Sequence[Ratio]) -> str:
    """The ratios of a group, one a row."""
    found = sorted((each for each in ratios if each.group == name), key=_in_order)
    if not found:
        return NOT_MEASURED
    header = "| what | beside | ratio | mark | figures |\n|---|---|---:|---|---|"
    return "\n".join([header, *(_row(each) for each in found)])


def _in_order(ratio: Ratio) -> list[tuple[bool, int, str]]:
    """By what is told, with 50 before 200."""
    parts = re.split(r"(\d+)", f"{ratio.subject} {ratio.reference}")
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _row(ratio: Ratio) -> str:
    told = ratio.told if ratio.holds else f"**{ratio.told}**, missed"
    cells = (ratio.subject, ratio.reference, told, ratio.mark, ratio.detail)
    return f"| {' | '.join(cells)} |"


def machine(ratios: Sequence[Ratio]) -> str:
    """When and on what it was measured."""
    if not ratios:
        return NOT_MEASURED
    dates = sorted({each.date for each in ratios})
    pythons = " and ".join(sorted({each.python for each in ratios}))
    processors = " and ".join(sorted({str(each.processors) for each in ratios}))
    when = dates[0] if len(dates) == 1 else f"from {dates[0]} to {dates[-1]}"
    return f"Measured {when} with Python {pythons} on {processors} processors."


def peers(results: Mapping[str, Any] | None) -> str:
    """A table a scenario, and how kclassify compares with the best other tool in the first."""
    if results is None:
        return NOT_MEASURED
    tables = [_scenario(name, found) for name, found in results["scenarios"].items()]
    best = _beside_the_best(results["scenarios"].get("zero", []))
    told = f"Measured {results['date']}: {results['items']:,} texts"
    return "\n\n".join([f"{told}, {results['concurrency']} calls at a time.", *best, *tables])


def _beside_the_best(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    taken = {each["tool"]: each["processor_s"] for each in tools if each["processor_s"]}
    ours, floor = taken.pop("kclassify", None), taken.pop(FLOOR, None)
    if not ours or not taken:
        return []
    best = min(taken, key=lambda name: taken[name])
    beside = f"{ours / taken[best]:.2f} of the processor time of the best of the others, {best}"
    return [
        f"Without latency kclassify takes {beside}"
        + (f", and {ours / floor:.2f} of that of the bare SDK, which is no tool." if floor else ".")
    ]


def _scenario(name: str, tools: Sequence[Mapping[str, Any]]) -> str:
    header = (
        f"| {name} | items a second | processor s per 1,000 | peak MB | lost | asked again "
        "| seconds |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    return "\n".join([header, *(_tool(each) for each in tools)])


def _tool(tool: Mapping[str, Any]) -> str:
    cells = ["-" if tool[name] is None else f"{tool[name]:,.4g}" for name in _COLUMNS]
    note = f" ({tool['note'].replace('|', '/')})" if tool["note"] else ""
    return f"| {tool['tool']} {tool['version']}{note} | {' | '.join(cells)} |"


def _peers_saved() -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None
    found = json.loads(PEERS.read_text(encoding="utf-8")) if PEERS.exists() else None
    return found


def _of_group(name: str) -> Callable[[], str]:
    return lambda: group(name, read())


BLOCKS: dict[str, Callable[[], str]] = {
    "machine": lambda: machine(read()),
    **{name: _of_group(name) for name in GROUPS},
    "peers": lambda: peers(_peers_saved()),
}


def documented(name: str) -> str:
    """The block of this name, as the document has it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.partition(f"<!-- figures: {name} -->\n")[2].partition("\n<!-- end of ")[0]


def write() -> None:
    """Puts what was saved into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, fresh in BLOCKS.items():
        first, last = f"<!-- figures: {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(first)
        text = f"{before}{first}\n{fresh()}\n{last}{rest.partition(last)[2]}"
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
