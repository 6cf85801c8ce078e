"""The pictures with two axes: precision by threshold, and reliability by confidence."""
# ruff: noqa: ANN401 - matplotlib's axes

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Any

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator, PercentFormatter

from kclassify.core.evaluation import ReliabilityPoint, ThresholdCurve
from kclassify.report.drawing import colour, drawn
from kclassify.report.numbers import percent
from kclassify.report.wording import threshold_sentence

_SIZE = (420, 300)
_BIGGEST_DOT = 160


def threshold_picture(curve: ThresholdCurve) -> Markup | None:
    """Precision of the writes by threshold, with its bound; None without a point."""
    if not curve.points:
        return None
    return drawn(
        lambda axes: _paint_threshold(axes, curve),
        name="threshold",
        title="Precision of the writes by threshold",
        description=threshold_sentence(curve),
        size=_SIZE,
    )


def reliability_picture(points: Sequence[ReliabilityPoint]) -> Markup | None:
    """How often each confidence was right; None without a point."""
    if not points:
        return None
    return drawn(
        lambda axes: _paint_reliability(axes, points),
        name="reliability",
        title="How often each confidence was right",
        description="; ".join(
            f"confidence {point.confidence:.2f}: {point.right} of {point.n}" for point in points
        ),
        size=_SIZE,
    )


def _paint_threshold(axes: Any, curve: ThresholdCurve) -> None:
    places = [point.threshold for point in curve.points]
    lower = [point.lower for point in curve.points]
    precision = [point.precision for point in curve.points]
    bottom = _floor(min([*lower, curve.target]))
    axes.axhline(curve.target, color=colour("ink"), linewidth=1.2, linestyle=(0, (5, 3)))
    axes.fill_between(places, lower, precision, color=colour("good"), alpha=0.14, linewidth=0)
    axes.plot(places, precision, color=colour("good"), linewidth=2, marker="o", markersize=5)
    axes.plot(
        places, lower, color=colour("good"), linewidth=1.4, linestyle="--", marker="_", markersize=8
    )
    _mark_target(axes, curve, places)
    if curve.certified is not None:
        _mark_chosen(axes, curve)
    axes.set_xlabel("written from this confidence on")
    axes.set_ylabel("writes right")
    axes.set_ylim(bottom, 1.01)
    axes.margins(x=0.06)
    _in_percent(axes.yaxis)


def _mark_target(axes: Any, curve: ThresholdCurve, places: Sequence[float]) -> None:
    axes.annotate(
        f"target {percent(curve.target)}",
        (min(places), curve.target),
        xytext=(0, -4),
        textcoords="offset points",
        va="top",
        fontsize=11,
        color=colour("ink"),
    )


def _mark_chosen(axes: Any, curve: ThresholdCurve) -> None:
    chosen = next(point for point in curve.points if point.threshold == curve.certified)
    axes.axvline(chosen.threshold, color=colour("pass"), linewidth=1.6)
    axes.plot([chosen.threshold], [chosen.lower], "D", color=colour("pass"), markersize=8)


def _paint_reliability(axes: Any, points: Sequence[ReliabilityPoint]) -> None:
    most = max(point.n for point in points)
    start = _floor(min(point.interval.low for point in points))
    left = _floor(min(point.confidence for point in points))
    axes.plot([0, 1], [0, 1], color=colour("plain"), linewidth=1.2, linestyle=(0, (5, 3)))
    for point in points:
        axes.plot(
            [point.confidence] * 2,
            [point.interval.low, point.interval.high],
            color=colour("good"),
            linewidth=1.6,
        )
    axes.scatter(
        [point.confidence for point in points],
        [point.interval.estimate for point in points],
        s=[24 + _BIGGEST_DOT * point.n / most for point in points],
        color=colour("good"),
        edgecolors=colour("card"),
        linewidths=1,
        zorder=3,
    )
    axes.set_xlabel("confidence that was given")
    axes.set_ylabel("rows right")
    axes.set_ylim(start, 1.02)
    axes.set_xlim(left, 1.02)
    _in_percent(axes.yaxis)


def _floor(value: float) -> float:
    """The tenth below, so that the axis starts at a round number."""
    return max(0.0, floor(value * 10 - 0.2) / 10)


def _in_percent(axis: Any) -> None:
    axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(PercentFormatter(1, decimals=0))
