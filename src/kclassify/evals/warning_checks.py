"""What the gate warns of: it decides nothing, and somebody should look."""

from __future__ import annotations

from kclassify.core.evaluation import Flow, OverUse
from kclassify.core.gate import CheckName, GateCheck, GateVerdict
from kclassify.evals.criteria import GateTable
from kclassify.evals.findings import Findings


def warnings(found: Findings, gate: GateTable) -> tuple[GateCheck, ...]:
    """Categories that pull, categories with few labels, and what these rows may decide."""
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
