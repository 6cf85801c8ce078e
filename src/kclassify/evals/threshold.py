"""The lowest confidence from which on the writes are certified to be right often enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kclassify.core.evaluation import ThresholdCurve, ThresholdPoint
from kclassify.errors import UsageError
from kclassify.evals.design import effective_counts
from kclassify.evals.intervals import lower_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kclassify.evals.design import Design, Mask

METHOD = "fixed-sequence Clopper-Pearson, strictest threshold first"


def certify(
    confidences: Sequence[float],
    right: Sequence[bool],
    *,
    target: float,
    delta: float,
    floor: float = 0.0,
    design: Design | None = None,
) -> ThresholdCurve:
    """The precision of the writes from each threshold on, and the lowest one that is certified.

    The writes are a plain random sample of those that the run would make; one with weights or
    clusters comes with its `design`, and then effective counts stand in for counts. With a
    probability of at least 1 - `delta` the true precision from the certified threshold on is
    `target` or more. Nothing below `floor` is considered. Raises `UsageError` for a confidence that
    is no number in [0, 1].

    The thresholds are tested in a fixed sequence, strictest first, each at the full `delta`, until
    the first one fails (fixed-sequence testing: Angelopoulos and others, Learn Then Test, 2021).
    Those with fewer than twice the writes that certify without an error are passed over: there a
    single error would end the sequence.
    """
    sure, is_right = _checked(confidences, right, floor)
    fewest = 2 * math.ceil(math.log(delta) / math.log(target))
    going, certified = True, None
    points: list[ThresholdPoint] = []
    for threshold in _cuts(sure):
        correct, writes = _counts(is_right, sure >= threshold, design)
        lower = lower_bound(correct, writes, delta)
        tested = going and writes >= fewest
        passed = tested and lower >= target
        going = going and (passed or not tested)
        certified = threshold if passed else certified
        points.append(
            ThresholdPoint(
                threshold=threshold,
                writes=writes,
                right=correct,
                precision=correct / max(writes, 1),
                lower=lower,
                tested=tested,
                certified=passed,
            )
        )
    return ThresholdCurve(
        target=target,
        delta=delta,
        fewest=fewest,
        points=tuple(points),
        certified=certified,
        method=METHOD,
    )


def _checked(
    confidences: Sequence[float], right: Sequence[bool], floor: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if len(confidences) != len(right):
        raise UsageError(
            f"{len(confidences)} confidences cannot be held against {len(right)} judgements"
        )
    sure, is_right = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.bool_)
    odd = sure[~((sure >= 0) & (sure <= 1))]
    if odd.size:
        raise UsageError(f"a confidence lies in [0, 1], not at {odd[0]}: ask the classifier again")
    return sure[sure >= floor], is_right[sure >= floor]


def _counts(is_right: Mask, above: Mask, design: Design | None) -> tuple[int, int]:
    if design is None:
        return int(is_right[above].sum()), int(above.sum())
    return effective_counts(is_right, design, above)


def _cuts(sure: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in np.unique(sure)[::-1]]
