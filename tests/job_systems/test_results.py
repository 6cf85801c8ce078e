"""The document has a row for each case of each job system that goes through the matrix."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.job_systems import results
from tests.job_systems.driver import Case
from tests.job_systems.results import FIRST, LAST, NotFor, Result, documented, write


def systems() -> Iterator[str]:
    """The names of the systems, read from the tests, since not all of these can run here."""
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and "Matrix" in map(ast.unparse, node.bases):
                yield from (named(line) for line in node.body if "system" in assigned(line))


def assigned(line: ast.stmt) -> list[str]:
    return [ast.unparse(target) for target in getattr(line, "targets", ())]


def named(line: ast.stmt) -> str:
    assert isinstance(line, ast.Assign)
    return str(ast.literal_eval(line.value))


def test_the_document_has_a_row_for_each_case_of_each_system_and_no_other() -> None:
    wanted = {(system, str(case)) for system in systems() for case in Case}
    assert {place[0] for place in wanted} >= {"procrastinate"}
    assert sorted(wanted - set(documented())) == []
    assert sorted(set(documented()) - wanted) == []


def test_rows_are_replaced_and_kept_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "document.md"
    document.write_text(f"before\n{FIRST}\n{LAST}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(results, "DOCUMENT", document)
    write(NotFor("b", Case.CRASH, "a reason"))
    write(NotFor("a", Case.CRASH, "a reason"))
    write(Result("a", Case.OUTAGE, 3, 3, 3, "10 or more", "0", "0", healed=True))
    write(NotFor("b", Case.CRASH, "another reason"))
    assert list(documented()) == [
        ("a", "an outage of ten snoozes"),
        ("a", "a crash between commit and enqueue"),
        ("b", "a crash between commit and enqueue"),
    ]
    text = document.read_text(encoding="utf-8")
    assert "another reason" in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
