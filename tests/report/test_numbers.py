"""Numbers for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.metrics import Interval
from kclassify.report import numbers


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.926, "92.6%"),
        (0.9, "90%"),
        (0.0, "0%"),
        (1.0, "100%"),
        (0.0001, "<0.1%"),
        (0.99999, ">99.9%"),
        (-0.031, "\u22123.1%"),
        (None, "\u2014"),
    ],
)
def test_a_share_in_percent(share: float | None, said: str) -> None:
    assert numbers.percent(share) == said


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_what_is_not_quite_all_or_nothing_is_never_said_to_be(share: float) -> None:
    assert numbers.percent(share) not in {"0%", "100%"}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1883.2, "1,883"),
        (12.4, "12"),
        (0.4, "0"),
        (0.0, "0"),
        (-340.2, "\u2212340"),
        (-0.3, "0"),
        (282.4, "282"),
        (98_765, "98,765"),
        (99_999.6, "100,000"),
    ],
)
def test_an_estimated_number_of_rows_is_told_to_the_row(number: float, said: str) -> None:
    assert numbers.rounded(number) == said


@given(st.floats(-1e9, 1e9))
def test_rounding_is_never_off_by_more_than_half_a_row(number: float) -> None:
    said = float(numbers.rounded(number).replace(",", "").replace("\u2212", "-"))
    assert abs(said - number) <= 0.5


def test_signs_are_told() -> None:
    assert numbers.signed(1883) == "+1,883"
    assert numbers.signed(-1883) == "\u22121,883"
    assert numbers.signed(0.2) == "0"


@pytest.mark.parametrize(
    ("value", "said"), [(0.8, "0.80"), (0.875, "0.875"), (1, "1.00"), (0.12345, "0.1235")]
)
def test_a_confidence(value: float, said: str) -> None:
    assert numbers.confidence(value) == said


@pytest.mark.parametrize(("value", "said"), [(0.0004, "< 0.001"), (0.0106, "0.011"), (0.9, "0.90")])
def test_a_p_value(value: float, said: str) -> None:
    assert numbers.probability(value) == said


def test_seconds_ratios_and_bounds() -> None:
    assert [numbers.seconds(value) for value in (0.84, 2.613, None)] == [
        "840 ms",
        "2.6 s",
        "\u2014",
    ]
    assert [numbers.ratio(value) for value in (98.2, 2.565, 0.02, 0, None)] == [
        "98",
        "2.6",
        "<0.1",
        "0.0",
        "\u2014",
    ]
    interval = Interval(0.043, -0.011, 0.078, 400, "bootstrap")
    assert numbers.points_with_bounds(interval) == "+4.3 points (\u22121.1 to +7.8)"
    assert numbers.score_with_bounds(interval) == "0.04 (\u22120.01\u20130.08)"
