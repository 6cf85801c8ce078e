"""JSON: the same text each time, and the same evaluation back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.metrics import Interval
from kclassify.errors import KclassifyError
from kclassify.report.json_text import read_json, render_json
from tests.report import evaluations
from tests.report.evaluations import EVERY


@pytest.mark.parametrize("name", sorted(EVERY))
def test_an_evaluation_comes_back_as_it_was(name: str) -> None:
    full = EVERY[name]()
    text = render_json(full)
    assert text.isascii()
    assert text == render_json(full)
    assert read_json(text) == full


@given(
    st.text(max_size=40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dictionaries(st.integers(0, 9), st.integers(0, 10**9), max_size=4),
)
def test_any_text_and_any_number_come_back(
    text: str, number: float, annotators: dict[int, int]
) -> None:
    full = evaluations.bare()
    odd = replace(
        full,
        suite=text,
        gold=replace(full.gold, annotators=annotators),
        variants=(
            replace(
                full.variants[0],
                scores=replace(
                    full.variants[0].scores, kappa=Interval(number, number, number, 1, text)
                ),
            ),
        ),
    )
    assert read_json(render_json(odd)) == odd


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    full = evaluations.passed()
    broken = replace(full, threshold=replace(full.threshold, target=number))
    with pytest.raises(KclassifyError, match="not finite"):
        render_json(broken)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"suite": 1}'])
def test_what_is_no_evaluation_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(KclassifyError, match="no evaluation of this version") as refused:
        read_json(text)
    assert "\n" not in str(refused.value)


def test_other_programs_find_the_verdict_at_the_top() -> None:
    held = json.loads(render_json(evaluations.failed()))
    assert held["gate"]["verdict"] == "fail"
    assert held["vetoes"][0]["label"] == "playbook"
    assert held["comparisons"][0]["labels"]["only_candidate"] == 26
