from __future__ import annotations

import pytest

from kclassify.core.dollars import dollars


@pytest.mark.parametrize(
    ("nanodollars", "told"),
    [
        (0, "$0.00"),
        (99_999, "less than $0.0001"),
        (100_000, "$0.0001"),
        (9_990_000, "$0.0100"),
        (10_000_000, "$0.01"),
        (1_234_560_000_000, "$1,234.56"),
    ],
)
def test_dollars_have_cents_and_under_a_cent_four_digits(nanodollars: int, told: str) -> None:
    assert dollars(nanodollars) == told
