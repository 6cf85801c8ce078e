"""The document tells of the experiments that there are, of all of them and in their order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.matrix import documented
from tests.faults.test_item_faults import REPLIES
from tests.faults.test_provider_halts import HALTS
from tests.faults.test_provider_in_one_process import POISON
from tests.faults.test_provider_outages import OUTAGES


def test_the_document_has_a_row_for_each_fault_of_the_provider_and_no_other() -> None:
    outages = [outage.name for outage in OUTAGES]
    halts = [broken.name for broken in HALTS]
    replies = [useless.name for useless in REPLIES]
    assert list(documented("provider")) == [*outages, *halts, *replies, POISON]


@pytest.mark.parametrize("group", ["database", "process"])
def test_each_row_has_its_experiment_and_each_experiment_its_row(group: str) -> None:
    """The names of the experiments are read from the tests, since not all of these can run here."""
    names = [name for path in HERE.glob("test_*.py") for name in recorded(path, group)]
    faults = documented(group)
    assert [fault for fault in faults if not any(re.fullmatch(n, fault) for n in names)] == []
    assert [name for name in names if not any(re.fullmatch(name, f) for f in faults)] == []
    assert names


HERE = Path(__file__).parent


def recorded(path: Path, group: str) -> Iterator[str]:
    """A pattern for each fault that the tests of a file record in this group."""
    for test in ast.parse(path.read_text(encoding="utf-8")).body:
        for node in ast.walk(test):
            match node:
                case ast.Call(ast.Name("row_of"), [ast.Constant(named), fault, *_]) if (
                    named == group
                ):
                    yield pattern(fault, test)
                case _:
                    pass


def pattern(fault: ast.expr, test: ast.stmt) -> str:
    """What the text of an expression looks like; names stand for what the test assigned to them."""
    match fault:
        case ast.Constant(str() as text):
            return re.escape(text)
        case ast.JoinedStr(parts):
            return "".join(pattern(part, test) for part in parts)
        case ast.FormattedValue():
            return ".+"
        case ast.Name(name):
            assigned = [
                node.value
                for node in ast.walk(test)
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
            ]
            return pattern(assigned[0], test)
        case _:
            raise AssertionError(f"no name of a fault: {ast.unparse(fault)}")
