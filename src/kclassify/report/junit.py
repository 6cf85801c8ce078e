"""An evaluation as JUnit: what a CI server shows beside the tests."""

from __future__ import annotations

from typing import Any

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from kclassify.core.evaluation import Evaluation, Veto
from kclassify.core.gate import GateCheck, GateVerdict
from kclassify.report.inert import inert, one_line
from kclassify.report.wording import check_facts, named, proposals_right

_NAME, _MESSAGE = 200, 2000


def render_junit(evaluation: Evaluation) -> str:
    """A test case for each check of the gate and one for each category's proposals.

    A check that failed is a failure; one that could not decide is an error, so that it is not
    taken for a pass. A check that only warns passes and says so in its output.
    """
    xml: Any = JUnitXml()
    name = one_line(evaluation.suite, _NAME)
    gate = TestSuite(f"kclassify gate: {name}")
    gate.timestamp = evaluation.created_at.isoformat()
    gate.add_testcases([_check_case(check) for check in evaluation.gate.checks])
    xml.add_testsuite(gate)
    if evaluation.vetoes:
        vetoes = TestSuite(f"kclassify categories: {name}")
        vetoes.timestamp = evaluation.created_at.isoformat()
        vetoes.add_testcases([_veto_case(veto) for veto in evaluation.vetoes])
        xml.add_testsuite(vetoes)
    return bytes(xml.tostring()).decode("utf-8")


def _check_case(check: GateCheck) -> TestCase:
    about = "" if check.category is None else f": {named(check.category)}"
    case = TestCase(f"{check.name.value}{about}", classname="kclassify.gate")
    detail = one_line(check.detail, _MESSAGE)
    if check.warns:
        case.system_out = f"warning: {detail}"
    elif check.verdict is GateVerdict.FAIL:
        case.result = [Failure(detail, "fail")]
    elif check.verdict is GateVerdict.INCONCLUSIVE:
        case.result = [Error(detail, "inconclusive")]
    else:
        case.system_out = "\n".join(part for part in (detail, inert(check_facts(check))) if part)
    return case


def _veto_case(veto: Veto) -> TestCase:
    case = TestCase(named(veto.label), classname="kclassify.category")
    said = one_line(proposals_right(veto), _MESSAGE)
    if veto.vetoed:
        case.result = [Failure(said, "vetoed")]
    else:
        case.system_out = said
    return case
