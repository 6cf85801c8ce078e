from __future__ import annotations

from enum import Enum, StrEnum

import numpy as np
import pytest

from kclassify.core.verdict import Verdict


class Mixed(str, Enum):  # noqa: UP042  # a member of it prints as `Mixed.NEW`
    NEW = "new"


class Kind(StrEnum):
    NEW = "new"


@pytest.mark.parametrize("label", ["new", Mixed.NEW, Kind.NEW, np.str_("new")])
def test_a_label_prints_as_what_it_says(label: str) -> None:
    assert str(Verdict(label, 0.9, "m").label) == "new"


def test_a_member_that_prints_as_what_it_says_stays_a_member() -> None:
    assert Verdict(Kind.NEW, 0.9, "m").label is Kind.NEW


@pytest.mark.parametrize("confidence", [np.float32(0.5), np.float64(0.5), True, 1])
def test_a_confidence_of_any_number_is_kept_as_a_float(confidence: float) -> None:
    kept = Verdict("new", confidence, "m").confidence
    assert type(kept) is float
    assert kept == confidence
