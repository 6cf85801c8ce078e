"""The three or four figures that stand under the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.core.evaluation import Evaluation, Impact, ThresholdPoint
from kclassify.core.gate import GateVerdict
from kclassify.report.numbers import confidence, counted, percent, rounded, rows_between, signed
from kclassify.report.wording import left_out, named, told_point


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One figure: what it is of, the figure, a line about it, and the name of its colour."""

    name: str
    value: str
    note: str
    hue: str = "ink"


def key_figures(evaluation: Evaluation) -> list[KeyFigure]:
    """Writes right, what is shown of them, rows better and worse, and labels needed or vetoes."""
    made: list[KeyFigure] = []
    point = told_point(evaluation.threshold)
    if point is not None:
        made += [_right(evaluation, point), _bound(evaluation, point)]
    if evaluation.impact is not None:
        made.append(_net(evaluation.impact))
    last = _last(evaluation)
    return made if last is None else [*made, last]


def _right(evaluation: Evaluation, point: ThresholdPoint) -> KeyFigure:
    note = f"{point.right:,} of {counted(point.writes, 'labelled write')}"
    if evaluation.threshold.certified is not None:
        note += f", from confidence {confidence(point.threshold)} on"
    return KeyFigure("Writes that are right", percent(point.precision), note)


def _bound(evaluation: Evaluation, point: ThresholdPoint) -> KeyFigure:
    curve = evaluation.threshold
    is_shown = curve.certified is not None
    note = f"{'reaches' if is_shown else 'short of'} the target of {percent(curve.target)}"
    return KeyFigure(
        "Shown to be at least", percent(point.lower), note, "good" if is_shown else "bad"
    )


def _net(impact: Impact) -> KeyFigure:
    better, worse = rounded(impact.better.estimate), rounded(impact.worse.estimate)
    note = f"about {better} better, {worse} worse; plausibly {rows_between(impact.net)}"
    hue = "good" if impact.net.low > 0 else "bad" if impact.net.high < 0 else "ink"
    return KeyFigure("Rows gained, net", signed(impact.net.estimate), note, hue)


def _last(evaluation: Evaluation) -> KeyFigure | None:
    needed = evaluation.gate.labels_needed
    if evaluation.gate.verdict is GateVerdict.INCONCLUSIVE and needed is not None:
        return KeyFigure(
            "Labels still needed", f"about {needed:,}", "should what was seen so far go on", "doubt"
        )
    left = left_out(evaluation)
    if not evaluation.vetoes:
        return _left_out(evaluation, left, "") if left else None
    vetoed = [veto.label for veto in evaluation.vetoes if veto.vetoed]
    among = f"of {counted(len(evaluation.vetoes), 'category', 'categories')} with labelled writes"
    if not vetoed and left:
        return _left_out(evaluation, left, f"; none {among} is vetoed")
    if not vetoed:
        return KeyFigure("Categories vetoed", "none", among)
    first = ", ".join(named(label) for label in vetoed[:3])
    more = f" and {len(vetoed) - 3} more" if len(vetoed) > 3 else ""  # noqa: PLR2004
    return KeyFigure("Categories vetoed", f"{len(vetoed)}", f"{first}{more}, {among}", "bad")


def _left_out(evaluation: Evaluation, left: str, more: str) -> KeyFigure:
    policy = evaluation.gate.policy
    number = 0 if policy is None else len(policy.vetoed)
    return KeyFigure("Categories left out", f"{number}", f"left out: {left}{more}")
