from __future__ import annotations

import subprocess
import sys

from tests.conftest import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "cost_of_77000_articles.py"


def test_the_page_has_exactly_the_figures_that_the_example_reckons() -> None:
    ended = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=True
    )
    table, _, totals = ended.stdout.partition("\n\n")
    page = (REPOSITORY / "docs" / "cost.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert lines[: len(table.splitlines())] == table.splitlines()
    tokens, hours = totals.strip().split(", ")
    assert f"That is {tokens}." in page
    assert f"it takes {hours}" in page
