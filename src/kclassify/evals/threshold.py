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

SPARE = 3
MOST_VALUES, STEPS = 20, 20
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
    The sequence begins where there are three times the writes that certify without an error:
    earlier, one or two errors would end it. With fewer writes than that, all of them together are
    the only test. Both depend on how many writes there are and on none of their labels. The
    thresholds are the confidences that occur; where more than 20 different ones do, as with a local
    model, they are the multiples of 0.05 and `floor`: each test is a chance to fail too early, and
    hundreds of them hardly ever let a good run pass.
    """
    sure, is_right = _checked(confidences, right)
    is_considered = sure >= floor
    design = None if design is None else design.subset(is_considered)
    sure, is_right = sure[is_considered], is_right[is_considered]
    fewest = SPARE * math.ceil(math.log(delta) / math.log(target))
    cuts = _cuts(sure, floor)
    counted = [_counts(is_right, sure >= cut, design) for cut in cuts]
    begin = next((at for at, (_, writes) in enumerate(counted) if writes >= fewest), len(cuts) - 1)
    going, points = True, list[ThresholdPoint]()
    for at, (cut, (correct, writes)) in enumerate(zip(cuts, counted, strict=True)):
        lower = lower_bound(correct, writes, delta)
        tested = going and at >= begin
        points.append(
            ThresholdPoint(
                threshold=cut,
                writes=writes,
                right=correct,
                precision=correct / max(writes, 1),
                lower=lower,
                tested=tested,
                certified=tested and lower >= target,
            )
        )
        going = going and (points[-1].certified or not tested)
    certified = [point.threshold for point in points if point.certified]
    return ThresholdCurve(
        target=target,
        delta=delta,
        fewest=fewest,
        points=tuple(points),
        certified=min(certified, default=None),
        method=METHOD,
    )


def _checked(
    confidences: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if len(confidences) != len(right):
        raise UsageError(
            f"{len(confidences)} confidences cannot be held against {len(right)} judgements"
        )
    sure, is_right = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.bool_)
    odd = sure[~((sure >= 0) & (sure <= 1))]
    if odd.size:
        raise UsageError(f"a confidence lies in [0, 1], not at {odd[0]}: ask the classifier again")
    return sure, is_right


def _counts(is_right: Mask, above: Mask, design: Design | None) -> tuple[int, int]:
    if design is None:
        return int(is_right[above].sum()), int(above.sum())
    return effective_counts(is_right, design, above)


def _cuts(sure: NDArray[np.float64], floor: float) -> list[float]:
    """Thresholds that are chosen without a look at what is right, each with more writes."""
    values = np.unique(sure)
    if len(values) > MOST_VALUES:
        steps = np.arange(STEPS + 1) / STEPS
        values = np.unique([floor, *steps[steps > floor]])
    writes = [int((sure >= value).sum()) for value in values] + [0]
    return [
        float(value)
        for value, here, stricter in zip(values, writes, writes[1:], strict=False)
        if here > stricter
    ][::-1]
