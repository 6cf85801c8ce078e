"""JUnit: a case for each check and each category."""

from __future__ import annotations

from typing import Any

import pytest
from junitparser import Error, Failure, JUnitXml

from kclassify.core.gate import GateVerdict
from kclassify.report.junit import render_junit
from tests.report import evaluations
from tests.report.evaluations import EVERY


def parsed(text: str) -> Any:
    return JUnitXml.fromstring(text.encode("utf-8"))


@pytest.mark.parametrize("name", sorted(EVERY))
def test_there_is_a_case_for_each_check_and_each_veto(name: str) -> None:
    full = EVERY[name]()
    suites = list(parsed(render_junit(full)))
    assert [suite.tests for suite in suites] == [
        count for count in (len(full.gate.checks), len(full.vetoes)) if count
    ]
    assert [len(list(suite)) for suite in suites] == [suite.tests for suite in suites]
    assert render_junit(full) == render_junit(full)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_failures_and_errors_are_those_of_the_checks_that_decide(name: str) -> None:
    full = EVERY[name]()
    gate, *rest = list(parsed(render_junit(full)))
    deciding = [check.verdict for check in full.gate.checks if not check.warns]
    assert gate.failures == deciding.count(GateVerdict.FAIL)
    assert gate.errors == deciding.count(GateVerdict.INCONCLUSIVE)
    assert sum(suite.failures for suite in rest) == sum(veto.vetoed for veto in full.vetoes)


def test_a_failure_says_what_was_found() -> None:
    gate, categories = list(parsed(render_junit(evaluations.failed())))
    failed = {case.name: case.result[0] for case in gate if case.result}
    assert isinstance(failed["class floor: playbook"], Failure)
    assert "9 of 15 labelled writes" in failed["class floor: playbook"].message
    vetoed = [case for case in categories if case.result]
    assert [case.name for case in vetoed] == ["playbook"]


def test_inconclusive_is_no_pass() -> None:
    gate, _ = list(parsed(render_junit(evaluations.inconclusive())))
    results = [case.result[0] for case in gate if case.result]
    assert [type(result) for result in results] == [Error]
    assert "too few to show 90%" in results[0].message


def test_a_warning_passes_and_is_told() -> None:
    gate, _ = list(parsed(render_junit(evaluations.passed())))
    warned = next(case for case in gate if case.name == "flow: playbook")
    assert not warned.result
    assert warned.system_out.startswith("warning: 1,960 rows would enter 'playbook'")


def test_hostile_text_is_text() -> None:
    text = render_junit(evaluations.hostile())
    names = [case.name for suite in parsed(text) for case in suite]
    assert any("<script>" in name for name in names)
    assert "<script" not in text
    assert not set(text) & set("\x00\x1b\u202e")
