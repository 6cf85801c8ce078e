"""From a labelled sample and the answers to it to everything that an evaluation finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.core.evaluation import (
    Evaluation,
    Impact,
    SampleFacts,
    Share,
    ThresholdCurve,
    VariantResult,
    Veto,
)
from kclassify.core.gate import verdict_digest
from kclassify.evals.calibration import calibrate, reliability
from kclassify.evals.comparing import compare
from kclassify.evals.decide import Findings, checks_of
from kclassify.evals.design import Design
from kclassify.evals.gold_quality import gold_quality
from kclassify.evals.impact import impact
from kclassify.evals.labelled import Answered, Frame
from kclassify.evals.material import Material, Population, VariantAnswers, population_of
from kclassify.evals.noise import noise
from kclassify.evals.over_use import flows, over_used
from kclassify.evals.scores import score
from kclassify.evals.sealing import seal
from kclassify.evals.shares import post_stratified
from kclassify.evals.threshold import certify, certify_design
from kclassify.evals.veto import vetoes
from kclassify.evals.writes import Effect, Writes


@dataclass(frozen=True, slots=True)
class _Decided:
    curve: ThresholdCurve
    vetoes: tuple[Veto, ...]
    impact: Impact | None
    level: float
    """The confidence that the rest is about: the certified one, else the policy's own."""


def assemble(material: Material) -> Evaluation:
    """The evaluation of the candidate. Raises `UsageError` when no row got an answer."""
    candidate = material.chosen
    population = material.population or population_of(candidate.answers)
    decided = _decide(material, population)
    over = over_used(_pairs(candidate.answers), _labels(candidate), alpha=material.gate.class_alpha)
    moved = population.transitions(decided.level, material.policy.veto)
    flowing = flows(
        moved,
        population.current(),
        ratio_warn=material.gate.flow_ratio_warn,
        retired=candidate.taxonomy.known - set(_labels(candidate)),
    )
    findings = Findings(
        threshold=decided.curve,
        vetoes=decided.vetoes,
        impact=decided.impact,
        over_use=over,
        flows=flowing,
        looks=material.looks,
        split=material.split,
        stale=_stale(candidate.answers),
        scarce=_scarce(material, decided.vetoes, decided.level),
        population_is_known=material.population is not None,
    )
    return Evaluation(
        suite=material.suite,
        created_at=material.created_at,
        sample=_facts(material),
        candidate=material.candidate,
        variants=tuple(_result(material, each) for each in material.variants),
        baselines=tuple(material.baselines),
        comparisons=tuple(
            compare(material, each, candidate)
            for each in material.variants
            if each.name != material.candidate
        ),
        threshold=decided.curve,
        vetoes=decided.vetoes,
        over_use=over,
        population=population.rows,
        population_is_dry_run=material.population is not None,
        transitions=moved,
        flows=flowing,
        impact=decided.impact,
        shares=_shares(material, population),
        reliability=reliability(candidate.answers),
        calibration=calibrate(candidate.answers),
        gold=gold_quality(candidate.answers),
        looks=material.looks,
        gate=seal(material, findings, checks_of(findings, material.gate)),
    )


def _decide(material: Material, population: Population) -> _Decided:
    writes = Writes.of(material.chosen.answers, material.policy)
    curve = _curve(material, writes)
    level = material.policy.min_confidence if curve.certified is None else curve.certified
    sure = writes.above(level)
    return _Decided(
        curve,
        vetoes(
            _by_category(sure), floor=material.gate.class_floor, alpha=material.gate.class_alpha
        ),
        _impact(material, population, sure, level),
        level,
    )


def _curve(material: Material, writes: Writes) -> ThresholdCurve:
    """Over the writes in proportion; where they have weights, by effective counts."""
    gate = material.gate
    chosen = writes.proportional
    floor = min((each.confidence for each in chosen), default=material.policy.min_confidence)
    floor = max(floor, material.policy.min_confidence)
    confidences = [each.confidence for each in chosen]
    right = [each.is_right for each in chosen]
    limits = {"target": gate.write_precision, "delta": gate.delta, "floor": floor}
    is_drawn = any(each.row.frame is Frame.WRITES for each in chosen)
    design = Design.of([each.row for each in chosen]) if chosen and not is_drawn else None
    if design is None or design.is_simple:
        return certify(confidences, right, **limits)
    return certify_design(confidences, right, design, **limits)


def _by_category(writes: Writes) -> dict[str, tuple[int, int]]:
    """Right and all of the labelled writes into each category."""
    return {
        label: (sum(each.is_right for each in found), len(found))
        for label, found in writes.by_category().items()
    }


def _impact(
    material: Material, population: Population, writes: Writes, level: float
) -> Impact | None:
    effects = writes.effects()
    if not effects:
        return None
    moved = population.transitions(level, material.policy.veto)
    return impact(
        effects[Effect.BETTER],
        effects[Effect.WORSE],
        effects[Effect.NEUTRAL],
        max(sum(each.count for each in moved), effects.total()),
        seed=material.seed,
    )


def _shares(material: Material, population: Population) -> tuple[Share, ...]:
    """Only from rows that were drawn from all of the corpus alike within a predicted label."""
    uniform = [a for a in material.chosen.answers if a.row.frame is Frame.UNIFORM]
    pairs = _pairs(uniform)
    if not pairs:
        return ()
    return post_stratified(pairs, population.predicted(), population.current(), seed=material.seed)


def _scarce(material: Material, found: Sequence[Veto], level: float) -> dict[str, int]:
    """Categories whose writes in the corpus would allow for more labels than there are."""
    if material.population is None:
        return {}
    there: Counter[str] = Counter()
    for each in material.population.transitions(level, material.policy.veto):
        there[each.after] += each.count
    labelled = {veto.label: veto.n for veto in found}
    wanted = {label: min(material.gate.top_up, count) for label, count in there.items()}
    return {
        label: number - labelled.get(label, 0)
        for label, number in wanted.items()
        if number > labelled.get(label, 0)
    }


def _stale(answers: Sequence[Answered]) -> int:
    return sum(
        each.row.frame is not Frame.UNIFORM
        and each.row.verdict_digest != verdict_digest(each.outcome)
        for each in answers
    )


def _pairs(answers: Sequence[Answered]) -> list[tuple[str, str]]:
    return [(str(each.row.gold), each.label) for each in answers if each.label is not None]


def _labels(variant: VariantAnswers) -> list[str]:
    return [str(label) for label in variant.taxonomy.labels]


def _result(material: Material, variant: VariantAnswers) -> VariantResult:
    return VariantResult(
        name=variant.name,
        model=variant.model,
        fingerprint=variant.fingerprint,
        parts=variant.parts,
        taxonomy=variant.taxonomy.name,
        scores=score(
            variant.answers,
            _labels(variant),
            seed=material.seed,
            replicates=material.replicates,
        ),
        cost=variant.cost,
        noise=noise(variant.repeats),
    )


def _facts(material: Material) -> SampleFacts:
    sample, rows = material.sample, material.rows
    strata = {
        str(row.stratum): (row.stratum_N, row.stratum_n, row.weight or 1.0)
        for row in rows
        if row.stratum is not None and row.stratum_N is not None and row.stratum_n is not None
    }
    clusters = {row.cluster_id for row in rows if row.cluster_id is not None}
    labelled = sum(row.gold is not None for row in sample.rows)
    return SampleFacts(
        path=material.sample_path,
        digest=sample.digest,
        rows=labelled,
        scored=len(rows),
        unlabelled=len(sample.rows) - labelled,
        split=material.split,
        frames=Counter(row.frame.value for row in rows),
        strata=strata,
        weighted=len({row.weight for row in rows}) > 1,
        clusters=len(clusters) or None,
        warnings=(*sample.warnings, *material.warnings),
    )
