from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import page
from tests.benchmarks.ratios import Ratio, lines, merged, read, save

FAST = Ratio(group="writes", subject="rows", reference="loop", ratio=0.5, at_most=0.6)
SLOW = Ratio(group="writes", subject="rows", reference="loop", ratio=0.7, at_most=0.6)
RATE = Ratio(group="reads", subject="pages", reference="10", ratio=123.4, at_least=200)


def tool(name: str, processor_s: float | None, note: str = "") -> dict[str, object]:
    return {
        **dict.fromkeys(page._COLUMNS),
        "tool": name,
        "version": "1",
        "processor_s": processor_s,
        "note": note,
    }


@pytest.mark.parametrize("block", page.BLOCKS)
def test_the_page_says_what_was_measured(block: str) -> None:
    assert page.documented(block) == page.BLOCKS[block](), "python -m tests.benchmarks.page"


def test_every_ratio_that_was_saved_is_on_the_page() -> None:
    assert {each.group for each in read()} <= set(page.GROUPS)


def test_a_mark_that_is_missed_is_told_on_the_page_and_in_the_table() -> None:
    assert (FAST.holds, SLOW.holds, RATE.holds) == (True, False, False)
    assert "**0.7**, missed | at most 0.6" in page.group("writes", [SLOW, RATE])
    assert "0.5 | at most 0.6" in page.group("writes", [FAST])
    assert [line.endswith("MISSED") for line in lines([FAST, SLOW, RATE])] == [False, True, True]
    assert "123 " in lines([RATE])[0]


def test_what_is_measured_again_takes_the_place_of_what_was_and_leaves_the_rest(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ratios.json"
    save([RATE, SLOW], path)
    save([FAST], path)
    assert read(path) == [RATE, FAST] == merged([SLOW, RATE], [FAST])


def test_the_best_other_tool_is_neither_kclassify_nor_the_sdk() -> None:
    tools = [tool("kclassify", 1), tool("anthropic", 2), tool("semlib", 8), tool("dspy", 16)]
    results = {"date": "2026-11-27", "items": 1000, "concurrency": 50, "scenarios": {"zero": tools}}
    told = page.peers(results)
    assert "0.12 of the processor time of the best of the others, semlib, and 0.50" in told
    assert "| dspy 1 | - | 16 | - | - | - | - |" in told


def test_a_tool_that_could_not_be_measured_is_told_with_its_note() -> None:
    broken = tool("curator", None, "a | b")
    results = {"date": "", "items": 1, "concurrency": 1, "scenarios": {"zero": [broken]}}
    assert "| curator 1 (a / b) | - | - | - | - | - | - |" in page.peers(results)
    assert page.peers(None) == page.group("writes", []) == page.NOT_MEASURED
