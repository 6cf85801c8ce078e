"""How far a confidence may be believed: right by confidence, and Platt's sigmoid for proposals."""

# ruff: noqa: ANN401 - scikit-learn ships no types

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from kclassify.core.evaluation import Calibration, ReliabilityPoint
from kclassify.evals.intervals import wilson
from kclassify.evals.labelled import Answered

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_POINTS = 12
_FEWEST_ROWS = 10
_FEWEST_OF_EACH = 2
_FOLDS = 5
_SMALLEST = 0.001
_WEAK = 1e6


def reliability(answers: Sequence[Answered]) -> tuple[ReliabilityPoint, ...]:
    """How many answers of each confidence were right, the least confident first.

    Each value is a point of its own up to 12 of them; more are grouped into neighbours of about
    equally many rows, at their mean confidence. Rows without a gold label or an answer are left
    out. Wilson's intervals.
    """
    by_value: defaultdict[float, list[bool]] = defaultdict(list)
    for each in _scored(answers):
        by_value[each.confidence].append(each.is_right)
    values = sorted(by_value.items())
    return tuple(_point(group) for group in _grouped(values))


def calibrate(answers: Sequence[Answered]) -> Calibration | None:
    """Platt's sigmoid of the log odds of confidence, on the proposals: Brier before and after.

    The score after is out of fold; slope and intercept are those of all. Platt's targets keep off 0
    and 1, so that a separable sample has an answer (Platt 1999). None for fewer than 10 labelled
    proposals, or when fewer than 2 of them are right or wrong. Confidences outside [0.001, 0.999]
    count as the nearest of these.
    """
    proposals = [each for each in _scored(answers) if each.is_proposal]
    right = np.array([each.is_right for each in proposals], dtype=np.bool_)
    fewer = min(int(right.sum()), int((~right).sum()))
    if len(proposals) < _FEWEST_ROWS or fewer < _FEWEST_OF_EACH:
        return None
    sure = np.array([each.confidence for each in proposals], dtype=np.float64)
    odds = special.logit(np.clip(sure, _SMALLEST, 1 - _SMALLEST))
    after = _out_of_fold(odds, right, min(_FOLDS, fewer))
    slope, intercept = _sigmoid(odds, right)
    return Calibration(
        n=len(proposals),
        brier_before=float(np.mean((sure - right) ** 2)),
        brier_after=float(np.mean((after - right) ** 2)),
        slope=slope,
        intercept=intercept,
    )


def _scored(answers: Iterable[Answered]) -> list[Answered]:
    return [each for each in answers if each.label is not None and each.row.gold is not None]


def _grouped(
    values: Sequence[tuple[float, list[bool]]],
) -> list[list[tuple[float, list[bool]]]]:
    if len(values) <= _MOST_POINTS:
        return [[value] for value in values]
    share = sum(len(right) for _, right in values) / _MOST_POINTS
    groups: defaultdict[int, list[tuple[float, list[bool]]]] = defaultdict(list)
    before = 0
    for value in values:
        groups[int((before + len(value[1]) / 2) / share)].append(value)
        before += len(value[1])
    return [groups[place] for place in sorted(groups)]


def _point(group: Sequence[tuple[float, list[bool]]]) -> ReliabilityPoint:
    right = [each for _, rights in group for each in rights]
    confidence = sum(value * len(rights) for value, rights in group) / len(right)
    return ReliabilityPoint(
        confidence=confidence,
        n=len(right),
        right=sum(right),
        interval=wilson(sum(right), len(right)),
    )


def _out_of_fold(
    odds: NDArray[np.float64], right: NDArray[np.bool_], folds: int
) -> NDArray[np.float64]:
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415

    after = np.zeros_like(odds)
    splits: Any = StratifiedKFold(folds, shuffle=True, random_state=0)
    for fitted, held_out in splits.split(odds, right):
        slope, intercept = _sigmoid(odds[fitted], right[fitted])
        after[held_out] = special.expit(slope * odds[held_out] + intercept)
    return after


def _sigmoid(odds: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept; each row twice, weighted by Platt's targets for right and for wrong."""
    good, bad = int(right.sum()), int((~right).sum())
    targets = np.where(right, (good + 1) / (good + 2), 1 / (bad + 2))
    fitted = _regression().fit(
        np.concatenate([odds, odds])[:, np.newaxis],
        np.repeat([1, 0], len(odds)),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    return LogisticRegression(C=_WEAK, solver="newton-cholesky")
