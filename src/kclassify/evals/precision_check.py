"""Whether some threshold is certified, and how many labels are missing where none is."""

from __future__ import annotations

import math

from kclassify.core.evaluation import ThresholdCurve, ThresholdPoint
from kclassify.core.gate import CheckName, GateCheck, GateVerdict
from kclassify.evals.intervals import upper_bound
from kclassify.evals.planner import labels_to_certify, more_labels
from kclassify.evals.threshold import SPARE

_TOO_CLOSE = 0.002
"""To tell precisions that are so close apart takes hundreds of thousands of labels."""


def write_precision(curve: ThresholdCurve) -> GateCheck:
    """Whether some threshold is certified; a fail when the target is shown to be out of reach.

    Thresholds above which there are fewer writes than certify without an error do not count for
    that: of the strictest few, one can always hope.
    """
    point = told_point(curve)
    if point is None:
        return GateCheck(
            name=CheckName.WRITE_PRECISION,
            verdict=GateVerdict.INCONCLUSIVE,
            detail="no labelled row would be written, so nothing can be said of the writes",
            target=curve.target,
            n=0,
            method=curve.method,
            alpha=curve.delta,
        )
    return GateCheck(
        name=CheckName.WRITE_PRECISION,
        verdict=_precision_verdict(curve),
        detail=_precision_detail(curve, point),
        estimate=point.precision,
        bound=point.lower,
        target=curve.target,
        n=point.writes,
        method=curve.method,
        alpha=curve.delta,
    )


def labels_needed(curve: ThresholdCurve, delta: float) -> int | None:
    """The labelled writes still needed to certify some threshold, should what was seen go on.

    `delta` is the error that the next look will be allowed. Where the writes seen so far are no
    better than the target, it is what would be needed if their true precision lay half way between
    the target and the highest that is plausible. Only some of the new labels will be above a
    stricter threshold: it is all of them that is told. None when it is certified, or cannot be.
    """
    if _precision_verdict(curve) is not GateVerdict.INCONCLUSIVE:
        return None
    every = curve.points[-1].writes if curve.points else 0
    if not every:
        return more_labels(0, 0, curve.target, delta)
    tried = [
        (_more(curve, point, delta), every / point.writes) for point in curve.points if point.writes
    ]
    found = [math.ceil(number * share) for number, share in tried if number is not None]
    return min(found, default=None)


def _more(curve: ThresholdCurve, point: ThresholdPoint, delta: float) -> int | None:
    """More labels above this threshold, should what was seen go on."""
    if point.precision > curve.target:
        return more_labels(point.right, point.writes, curve.target, delta) or 1
    highest = upper_bound(point.right, point.writes, curve.delta)
    likely = (curve.target + highest) / 2
    if likely - curve.target < _TOO_CLOSE:
        return None
    return max(1, labels_to_certify(likely, curve.target, delta) - point.writes)


def told_point(curve: ThresholdCurve) -> ThresholdPoint | None:
    """The certified point, else the one of all writes."""
    for point in curve.points:
        if point.threshold == curve.certified:
            return point
    return curve.points[-1] if curve.points else None


def _precision_verdict(curve: ThresholdCurve) -> GateVerdict:
    if curve.certified is not None:
        return GateVerdict.PASS
    worth = [point for point in curve.points if point.writes >= curve.fewest / SPARE]
    plausible = [upper_bound(p.right, p.writes, curve.delta) >= curve.target for p in worth]
    is_hopeless = bool(plausible) and not any(plausible)
    return GateVerdict.FAIL if is_hopeless else GateVerdict.INCONCLUSIVE


def _precision_detail(curve: ThresholdCurve, point: ThresholdPoint) -> str:
    seen = f"{point.right:,} of {point.writes:,} labelled writes are right"
    target = f"{curve.target:.0%}"
    match _precision_verdict(curve):
        case GateVerdict.PASS:
            return (
                f"from confidence {point.threshold:.2f} on {seen}: at least {point.lower:.1%}, "
                f"where {target} is asked for"
            )
        case GateVerdict.FAIL:
            return f"{seen}: that {target} are is out of reach"
        case _:
            return f"{seen}: too few to show that {target} are"
