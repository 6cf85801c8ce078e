"""From a labelled sample and the answers to it to everything that an evaluation finds."""

from __future__ import annotations

from collections import Counter

from kclassify.core.evaluation import Evaluation, SampleFacts, Share, VariantResult
from kclassify.evals.calibration import calibrate, reliability
from kclassify.evals.comparing import compare
from kclassify.evals.decide import checks_of
from kclassify.evals.design import Design
from kclassify.evals.finding import find, pairs_of
from kclassify.evals.gold_quality import gold_quality
from kclassify.evals.labelled import Frame
from kclassify.evals.material import Material, Population, VariantAnswers, population_of
from kclassify.evals.noise import noise
from kclassify.evals.scores import score
from kclassify.evals.sealing import seal
from kclassify.evals.shares import post_stratified


def assemble(material: Material) -> Evaluation:
    """The evaluation of the candidate. Raises `UsageError` when no row got an answer."""
    candidate = material.chosen
    found = find(material)
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
        threshold=found.threshold,
        vetoes=tuple(found.vetoes),
        over_use=tuple(found.over_use),
        population=found.population,
        population_is_dry_run=found.population_is_known,
        transitions=tuple(found.transitions),
        flows=tuple(found.flows),
        impact=found.impact,
        shares=_shares(material, material.population or population_of(candidate.answers)),
        reliability=reliability(candidate.answers),
        calibration=calibrate(candidate.answers),
        gold=gold_quality(candidate.answers),
        looks=material.looks,
        gate=seal(material, found, checks_of(found, material.gate)),
    )


def _shares(material: Material, population: Population) -> tuple[Share, ...]:
    """Only from rows that were drawn from all of the corpus alike."""
    uniform = [a for a in material.chosen.answers if a.row.frame is Frame.UNIFORM]
    if not Design.of([each.row for each in uniform]).is_simple:
        return ()
    pairs = pairs_of(uniform)
    if not pairs:
        return ()
    return post_stratified(pairs, population.predicted(), population.current(), seed=material.seed)


def _result(material: Material, variant: VariantAnswers) -> VariantResult:
    return VariantResult(
        name=variant.name,
        model=variant.model,
        fingerprint=variant.fingerprint,
        parts=variant.parts,
        taxonomy=variant.taxonomy.name,
        scores=score(
            variant.answers,
            [str(label) for label in variant.taxonomy.labels],
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
