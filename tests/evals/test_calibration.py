from __future__ import annotations

import numpy as np
import pytest

from kclassify.evals.calibration import calibrate, reliability
from kclassify.evals.labelled import Answered
from tests.evals.made_up import answered
from tests.evals.worlds import unanswered


def said(confidence: float, n: int, right: int, start: int = 0) -> list[Answered]:
    return [
        answered(start + place, "a" if place < right else "b", "a", confidence=confidence)
        for place in range(n)
    ]


def test_each_confidence_is_a_point_with_its_counts() -> None:
    points = reliability([*said(0.9, 10, 5), *said(0.7, 4, 3), unanswered(1)])
    assert [(p.confidence, p.n, p.right) for p in points] == [(0.7, 4, 3), (0.9, 10, 5)]
    assert points[1].interval.low < 0.5 < points[1].interval.high
    assert reliability([]) == ()


def test_many_confidences_are_grouped_and_no_row_is_lost() -> None:
    numbers = np.random.default_rng(0)
    answers = [
        answered(n, "a", "a", confidence=float(c)) for n, c in enumerate(numbers.random(500))
    ]
    points = reliability([*answers, *said(0.99, 100, 50, start=500)])
    assert 6 <= len(points) <= 12
    assert sum(p.n for p in points) == 600
    assert sum(p.right for p in points) == 550
    assert [p.confidence for p in points] == sorted(p.confidence for p in points)
    assert max(p.n for p in points) <= 2.5 * 600 / 12


def test_an_overconfident_model_is_calibrated_out_of_fold() -> None:
    found = calibrate([*said(0.95, 60, 30), *said(0.7, 40, 12, start=60)])
    assert found is not None
    assert found.n == 100
    assert found.brier_before == pytest.approx(
        (30 * 0.05**2 + 30 * 0.95**2 + 12 * 0.3**2 + 28 * 0.7**2) / 100
    )
    assert found.brier_after < 0.26 < found.brier_before
    assert found.slope > 0


def test_the_score_after_is_that_of_rows_that_were_held_out() -> None:
    numbers = np.random.default_rng(5)
    sure, right = numbers.uniform(0.5, 1.0, 24), numbers.random(24) < 0.5
    answers = [
        answered(n, "a" if is_right else "b", "a", confidence=float(c))
        for n, (c, is_right) in enumerate(zip(sure, right, strict=True))
    ]
    found = calibrate(answers)
    assert found is not None
    odds = np.log(sure / (1 - sure))
    fitted = 1 / (1 + np.exp(-(found.slope * odds + found.intercept)))
    assert found.brier_after > np.mean((fitted - right) ** 2) + 0.005


def test_rows_that_keep_their_label_are_no_disagreements() -> None:
    kept = [answered(n, "a", "a", current="a", confidence=0.9) for n in range(50)]
    assert calibrate(kept) is None
    found = calibrate([*kept, *said(0.9, 20, 10, start=50)])
    assert found is not None
    assert found.n == 20


def test_too_little_to_fit_gives_nothing() -> None:
    assert calibrate(said(0.9, 9, 4)) is None
    assert calibrate(said(0.9, 40, 40)) is None
    assert calibrate(said(0.9, 40, 39)) is None


def test_a_perfect_separation_has_an_answer() -> None:
    found = calibrate([*said(1.0, 20, 20), *said(0.0, 20, 0, start=20)])
    assert found is not None
    assert np.isfinite(found.slope)
    assert found.brier_after < 0.05
