"""Reasons of decisions go to job systems, logs and databases, whatever a classifier said."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from kclassify import Halt, Snooze


@pytest.mark.parametrize("decision", [partial(Snooze, 5), Halt])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("overloaded \x1b[2JFAKE\r\nDone (0 calls)", "overloaded \ufffd[2JFAKE Done (0 calls)"),
        ("NUL \0 and a surrogate \ud800", "NUL \ufffd and a surrogate \ufffd"),
        ("dépassé, 過負荷", "dépassé, 過負荷"),
        ("x" * 5000, "x" * 499 + "…"),
    ],
)
def test_a_reason_is_one_printable_line(
    decision: Callable[[str], Snooze | Halt], said: str, reason: str
) -> None:
    assert decision(said).reason == reason
