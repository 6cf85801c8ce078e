"""The gate record of an evaluation, and its verdict in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from kclassify.core.evaluation import Veto
from kclassify.core.gate import (
    CertifiedPolicy,
    CheckName,
    GateCheck,
    GateRecord,
    GateVerdict,
    SampleSeal,
    combined,
    verdict_digest,
    verdicts_digest,
)
from kclassify.core.gate_record import sealed
from kclassify.evals.findings import Findings
from kclassify.evals.material import Material
from kclassify.evals.precision_check import labels_needed

_NAMED = 3


def seal(material: Material, found: Findings, checks: tuple[GateCheck, ...]) -> GateRecord:
    """The record. It has a policy only when it passed."""
    verdict = combined(checks)
    variant = material.chosen
    verdicts = {each.row.item.digest: verdict_digest(each.outcome) for each in variant.answers}
    record = GateRecord(
        verdict=verdict,
        sentence=sentence_of(verdict, found, checks, _next_delta(material)),
        checks=checks,
        policy=_policy(material, verdict, found.threshold.certified),
        labels_needed=_labels_needed(verdict, found, _next_delta(material)),
        suite=material.suite,
        variant=variant.name,
        fingerprint=variant.fingerprint,
        parts=dict(variant.parts),
        sample=SampleSeal(
            path=material.sample_path,
            digest=material.sample.digest,
            rows=len(material.rows),
            frame="+".join(sorted({row.frame.value for row in material.rows})),
            split=material.split,
        ),
        verdicts=verdicts,
        verdicts_digest=verdicts_digest(verdicts),
        look=material.looks.number,
        dry_run=found.dry_run,
        created_at=material.created_at,
        expires_at=material.created_at + timedelta(days=material.gate.expires_days),
        kclassify=material.kclassify,
    )
    return sealed(record)


def _policy(
    material: Material, verdict: GateVerdict, certified: float | None
) -> CertifiedPolicy | None:
    if verdict is not GateVerdict.PASS or certified is None:
        return None
    return CertifiedPolicy(threshold=certified, vetoed=material.policy.veto)


def _next_delta(material: Material) -> float:
    return material.delta if material.split == "dev" else material.delta / 2


def _labels_needed(verdict: GateVerdict, found: Findings, delta: float) -> int | None:
    """None also where there are not as many writes left to label."""
    needed = labels_needed(found.threshold, delta) if verdict is GateVerdict.INCONCLUSIVE else None
    return None if needed is None or needed > _unlabelled(found) else needed


def _unlabelled(found: Findings) -> float:
    """The writes that nobody labelled yet, as far as somebody counted them all."""
    if not found.population_is_known:
        return math.inf
    labelled = found.threshold.points[-1].writes if found.threshold.points else 0
    return max(0, sum(each.count for each in found.transitions) - labelled)


def sentence_of(
    verdict: GateVerdict, found: Findings, checks: Sequence[GateCheck], delta: float
) -> str:
    """The verdict for somebody who has never seen an evaluation."""
    match verdict:
        case GateVerdict.PASS:
            return _passed(found)
        case GateVerdict.FAIL:
            return _failed(found, checks)
        case _:
            return _open(found, checks, delta)


def _passed(found: Findings) -> str:
    curve, effect = found.threshold, found.impact
    is_dev = found.split == "dev"
    may = "On the dev rows this run would pass" if is_dev else "This run may write"
    told = (
        f"{may}: of the writes from confidence {curve.certified:.2f} on, at least "
        f"{curve.target:.0%} are right, shown with {1 - curve.delta:.0%} confidence."
    )
    if effect is not None:
        place = "" if found.population_is_known else " of the sample"
        told += (
            f" About {effect.better.estimate:,.0f} rows{place} become right and about "
            f"{effect.worse.estimate:,.0f} right ones become wrong."
        )
    return f"{told} The sealed holdout decides." if is_dev else told


def _failed(found: Findings, checks: Sequence[GateCheck]) -> str:
    vetoed = [veto for veto in found.vetoes if veto.vetoed]
    if vetoed:
        return f"This run must not write: {'; '.join(_pull(veto) for veto in vetoed[:_NAMED])}."
    reasons = [
        each.detail for each in checks if each.verdict is GateVerdict.FAIL and not each.warns
    ]
    return f"This run must not write: {'; '.join(reasons) or 'nothing was shown'}."


def _pull(veto: Veto) -> str:
    wrong = veto.n - veto.right
    return (
        f"{wrong:,} of the {veto.n:,} labelled rows that would move to {veto.label!r} do not "
        f"belong there (in the whole corpus between {1 - veto.interval.high:.0%} and "
        f"{1 - veto.interval.low:.0%} of such moves)"
    )


def _open(found: Findings, checks: Sequence[GateCheck], delta: float) -> str:
    about_rows = {CheckName.SAMPLE, CheckName.COVERAGE}
    stale = [each for each in checks if each.name in about_rows and not each.warns]
    if stale:
        return f"Nothing is shown yet: {stale[0].detail}."
    needed = labels_needed(found.threshold, delta)
    if needed is not None and needed > _unlabelled(found):
        return (
            f"The labels cannot decide: with {_unlabelled(found):,} more writes to label there are "
            f"too few to show that {found.threshold.target:.0%} are right; read them all, and "
            'commit with --override "reason".'
        )
    if needed is None:
        open_ = [each for each in checks if each.verdict is GateVerdict.INCONCLUSIVE]
        return f"Nothing is shown yet: {next(e.detail for e in open_ if not e.warns)}."
    return (
        f"The labels do not decide yet: about {needed:,} more labelled writes would probably show "
        f"whether {found.threshold.target:.0%} of the writes are right."
    )
