"""The checks of the gate, from what was found. Nothing here looks at a row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kclassify.core.evaluation import (
    Flow,
    Impact,
    Looks,
    OverUse,
    ThresholdCurve,
    ThresholdPoint,
    Transition,
    Veto,
)
from kclassify.core.gate import CheckName, GateCheck, GateVerdict
from kclassify.evals.criteria import GateTable
from kclassify.evals.intervals import upper_bound
from kclassify.evals.planner import labels_to_certify, more_labels

_TOO_CLOSE = 0.002
"""To tell precisions that are so close apart takes hundreds of thousands of labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the checks are about.

    `stale` counts the gated rows that were drawn from another classifier's dry run; `scarce` holds
    the categories with too few labelled proposals, each with the number still to be labelled.
    `population` counts the rows of a finished dry run where `population_is_known`, else those of
    the sample.
    """

    threshold: ThresholdCurve
    vetoes: Sequence[Veto]
    impact: Impact | None
    over_use: Sequence[OverUse]
    transitions: Sequence[Transition]
    flows: Sequence[Flow]
    looks: Looks
    split: str
    stale: int
    scarce: Mapping[str, int]
    population: int
    population_is_known: bool


def checks_of(found: Findings, gate: GateTable) -> tuple[GateCheck, ...]:
    """Every check, the deciding ones first."""
    return (
        write_precision(found.threshold),
        *(_class_floor(veto, gate) for veto in found.vetoes if veto.vetoed),
        _no_veto(found, gate),
        net_benefit(found.impact, gate),
        *_wrong_writes(found, gate),
        *_stale(found),
        *_warnings(found, gate),
    )


def write_precision(curve: ThresholdCurve) -> GateCheck:
    """Whether some threshold is certified; a fail when none could be with any number of labels."""
    point = _told(curve)
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


def labels_needed(curve: ThresholdCurve) -> int | None:
    """The labelled writes still needed to certify some threshold, should what was seen go on.

    Where the writes seen so far are no better than the target, it is what would be needed if their
    true precision lay half way between the target and the highest that is plausible. Only some of
    the new labels will be above a stricter threshold: it is all of them that is told. None when it
    is certified, or cannot be.
    """
    if _precision_verdict(curve) is not GateVerdict.INCONCLUSIVE:
        return None
    every = curve.points[-1].writes if curve.points else 0
    if not every:
        return more_labels(0, 0, curve.target, curve.delta)
    tried = [(_more(curve, point), every / point.writes) for point in curve.points if point.writes]
    found = [math.ceil(number * share) for number, share in tried if number is not None]
    return min(found, default=None)


def _more(curve: ThresholdCurve, point: ThresholdPoint) -> int | None:
    """More labels above this threshold, should what was seen go on."""
    if point.precision > curve.target:
        return more_labels(point.right, point.writes, curve.target, curve.delta) or 1
    highest = upper_bound(point.right, point.writes, curve.delta)
    likely = (curve.target + highest) / 2
    if likely - curve.target < _TOO_CLOSE:
        return None
    return max(1, labels_to_certify(likely, curve.target, curve.delta) - point.writes)


def _told(curve: ThresholdCurve) -> ThresholdPoint | None:
    """The certified point, else the one of all writes."""
    for point in curve.points:
        if point.threshold == curve.certified:
            return point
    return curve.points[-1] if curve.points else None


def _precision_verdict(curve: ThresholdCurve) -> GateVerdict:
    if curve.certified is not None:
        return GateVerdict.PASS
    plausible = [upper_bound(p.right, p.writes, curve.delta) >= curve.target for p in curve.points]
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
            return f"{seen}: at no confidence can {target} be right"
        case _:
            return f"{seen}: too few to show that {target} are"


def _class_floor(veto: Veto, gate: GateTable) -> GateCheck:
    wrong = veto.n - veto.right
    return GateCheck(
        name=CheckName.CLASS_FLOOR,
        verdict=GateVerdict.FAIL,
        detail=(
            f"{wrong:,} of {veto.n:,} labelled writes into {veto.label!r} are wrong: plausibly "
            f"{1 - veto.interval.high:.0%} to {1 - veto.interval.low:.0%} of them"
        ),
        estimate=veto.interval.estimate,
        bound=veto.interval.high,
        target=veto.floor,
        n=veto.n,
        method="exact binomial, Holm over the categories",
        alpha=gate.class_alpha,
        category=veto.label,
    )


def _no_veto(found: Findings, gate: GateTable) -> GateCheck:
    vetoed = [veto.label for veto in found.vetoes if veto.vetoed]
    told = f"vetoed: {', '.join(vetoed)}" if vetoed else "no category is shown to be under it"
    return GateCheck(
        name=CheckName.CLASS_FLOOR,
        verdict=GateVerdict.FAIL if vetoed else GateVerdict.PASS,
        detail=f"{len(found.vetoes)} categories with labelled writes, {told}",
        target=gate.class_floor,
        n=sum(veto.n for veto in found.vetoes),
        method="exact binomial, Holm over the categories",
        alpha=gate.class_alpha,
    )


def net_benefit(impact: Impact | None, gate: GateTable) -> GateCheck:
    """Whether more rows get better than worse; without labelled writes it cannot be said."""
    if impact is None:
        return GateCheck(
            name=CheckName.NET_BENEFIT,
            verdict=GateVerdict.INCONCLUSIVE,
            detail="no labelled row would be written, so better and worse cannot be weighed",
            target=gate.net_benefit_prob,
        )
    sure, doubt = gate.net_benefit_prob, 1 - gate.net_benefit_prob
    return GateCheck(
        name=CheckName.NET_BENEFIT,
        verdict=_placed(impact.p_net_positive, sure, doubt),
        detail=(
            f"of {impact.writes:,} writes about {impact.better.estimate:,.0f} make a row right and "
            f"about {impact.worse.estimate:,.0f} make a right row wrong"
        ),
        estimate=impact.net.estimate,
        bound=impact.p_net_positive,
        target=sure,
        n=impact.labelled,
        method="Dirichlet(1/2) posterior; the bound is P(net > 0)",
        alpha=1 - sure,
    )


def _placed(value: float, sure: float, doubt: float) -> GateVerdict:
    if value >= sure:
        return GateVerdict.PASS
    return GateVerdict.FAIL if value <= doubt else GateVerdict.INCONCLUSIVE


def _wrong_writes(found: Findings, gate: GateTable) -> tuple[GateCheck, ...]:
    most, impact = gate.max_wrong_writes, found.impact
    if most is None:
        return ()
    bound = None
    if impact is None or not found.population_is_known:
        verdict = GateVerdict.FAIL
        detail = (
            "max_wrong_writes is set, and without a finished dry run nobody knows how many writes "
            "there are: run `kclassify dry-run` first"
        )
    else:
        low, bound = impact.worse.low, impact.worse.high
        within = GateVerdict.PASS if bound <= most else GateVerdict.INCONCLUSIVE
        verdict = GateVerdict.FAIL if low > most else within
        detail = f"between {low:,.0f} and {bound:,.0f} right rows would become wrong"
    return (
        GateCheck(
            name=CheckName.WRONG_WRITES,
            verdict=verdict,
            detail=detail,
            estimate=None if impact is None else impact.worse.estimate,
            bound=bound,
            target=float(most),
            n=None if impact is None else impact.labelled,
            method="Dirichlet(1/2) posterior",
            alpha=0.05,
        ),
    )


def _stale(found: Findings) -> tuple[GateCheck, ...]:
    if not found.stale:
        return ()
    return (
        GateCheck(
            name=CheckName.SAMPLE,
            verdict=GateVerdict.INCONCLUSIVE,
            detail=(
                f"{found.stale:,} labelled {'row was' if found.stale == 1 else 'rows were'} drawn "
                "from the dry run of another classifier, so this is no random sample of what this "
                "one would write: run `kclassify dry-run`, then draw with `kclassify sample`"
            ),
            n=found.stale,
        ),
    )


def _warnings(found: Findings, gate: GateTable) -> tuple[GateCheck, ...]:
    over = [_over_use(each, gate) for each in found.over_use if each.flagged]
    flows = [_flow(each, gate) for each in found.flows if each.alarm]
    return (*over, *flows, *_scarce(found, gate), *_holdout(found))


def _over_use(each: OverUse, gate: GateTable) -> GateCheck:
    return GateCheck(
        name=CheckName.OVER_USE,
        verdict=GateVerdict.FAIL,
        warns=True,
        detail=(
            f"{each.label!r} is chosen too often: {each.false_positives:,} rows wrongly put into "
            f"it, {each.false_negatives:,} wrongly left out"
        ),
        estimate=each.p_value,
        target=gate.class_alpha,
        n=each.false_positives + each.false_negatives,
        method="exact binomial of false positives against false negatives, Holm",
        alpha=gate.class_alpha,
        category=each.label,
    )


def _flow(each: Flow, gate: GateTable) -> GateCheck:
    left = "none leaves it" if not each.outflow else f"{each.outflow:,} leave it"
    return GateCheck(
        name=CheckName.FLOW,
        verdict=GateVerdict.FAIL,
        warns=True,
        detail=f"{each.inflow:,} rows would enter {each.label!r} and {left}: look at them",
        estimate=each.ratio,
        target=gate.flow_ratio_warn,
        n=each.inflow + each.outflow,
        method="inflow over outflow in the dry run, no labels needed",
        category=each.label,
    )


def _scarce(found: Findings, gate: GateTable) -> list[GateCheck]:
    if not found.scarce:
        return []
    named = ", ".join(f"{label} {number}" for label, number in sorted(found.scarce.items()))
    return [
        GateCheck(
            name=CheckName.SAMPLE,
            verdict=GateVerdict.INCONCLUSIVE,
            warns=True,
            detail=(
                f"fewer than {gate.top_up} labelled writes, so a fault there may not show: "
                f"{named} more (`kclassify sample --frame top-up`)"
            ),
            n=sum(found.scarce.values()),
        )
    ]


def _holdout(found: Findings) -> list[GateCheck]:
    if found.split == "dev":
        detail = (
            "these are the dev rows, by which people choose: the sealed holdout decides, with "
            "`kclassify eval --holdout`"
        )
    elif found.looks.number > 1 and not found.looks.sealed:
        detail = (
            f"this is look {found.looks.number} at these rows: what was chosen by looking at them "
            "looks better than it is; keep a holdout (`kclassify sample --holdout 0.5`)"
        )
    else:
        return []
    return [
        GateCheck(
            name=CheckName.HOLDOUT, verdict=GateVerdict.INCONCLUSIVE, warns=True, detail=detail
        )
    ]
