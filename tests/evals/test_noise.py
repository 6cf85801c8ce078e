from __future__ import annotations

import pytest

from kclassify.evals.noise import noise
from tests.evals.made_up import answered


def test_rows_that_got_two_labels_are_counted_and_named() -> None:
    first = [answered(n, "a", "a", confidence=0.8) for n in range(10)]
    second = [answered(n, "a", "b" if n == 3 else "a", confidence=0.9) for n in range(10)]
    found = noise([first, list(reversed(second)), first])
    assert found is not None
    assert (found.repeats, found.rows, found.unstable) == (3, 10, ("3",))
    assert found.changed.estimate == pytest.approx(0.1)
    assert found.confidence_spread == pytest.approx(0.1 / 3**0.5)


def test_a_row_that_a_repeat_did_not_answer_is_left_out() -> None:
    first = [answered(n, "a", "a") for n in range(4)]
    second = [answered(n, "a", None if n == 0 else "a") for n in range(4)]
    found = noise([first, second])
    assert found is not None
    assert (found.rows, found.unstable, found.confidence_spread) == (3, (), 0.0)


def test_one_repeat_measures_no_noise() -> None:
    assert noise([]) is None
    assert noise([[answered(1, "a", "a")]]) is None
    assert noise([[answered(1, "a", None)], [answered(1, "a", "a")]]) is None
