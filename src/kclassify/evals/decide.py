"""The checks of the gate, from what was found. Nothing here looks at a row."""

from __future__ import annotations

from kclassify.core.evaluation import Impact, Veto
from kclassify.core.gate import CheckName, GateCheck, GateVerdict
from kclassify.evals.criteria import GateTable
from kclassify.evals.findings import Findings
from kclassify.evals.precision_check import write_precision
from kclassify.evals.warning_checks import warnings


def checks_of(found: Findings, gate: GateTable) -> tuple[GateCheck, ...]:
    """Every check, the deciding ones first."""
    return (
        write_precision(found.threshold),
        *(_class_floor(veto, gate) for veto in found.vetoes if veto.vetoed),
        _no_veto(found, gate),
        net_benefit(found.impact, gate),
        *_wrong_writes(found, gate),
        *_stale(found),
        *(_unsound(told) for told in found.unsound),
        *warnings(found, gate),
    )


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
                "one would write: put its taxonomy, prompt and model into kclassify.toml, run "
                "`kclassify dry-run`, and draw a sample of it with `kclassify sample --force`"
            ),
            n=found.stale,
        ),
    )


def _unsound(told: str) -> GateCheck:
    return GateCheck(name=CheckName.COVERAGE, verdict=GateVerdict.INCONCLUSIVE, detail=told)
