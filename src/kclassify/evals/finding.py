"""What labelled rows say of the writes that a run would make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from kclassify.core.evaluation import Impact, ThresholdCurve, Transition, Veto
from kclassify.core.gate import DryRunSeal, verdict_digest
from kclassify.evals.design import Design, effective_counts
from kclassify.evals.effects import design_of, effect_counts
from kclassify.evals.findings import Findings
from kclassify.evals.impact import impact
from kclassify.evals.labelled import Answered, Frame
from kclassify.evals.material import Material, Population, population_of
from kclassify.evals.over_use import flows, over_used
from kclassify.evals.soundness import unsound
from kclassify.evals.threshold import certify
from kclassify.evals.veto import vetoes
from kclassify.evals.writes import Effect, Writes


def find(material: Material) -> Findings:
    """Threshold, vetoes, impact, over-use and flows of the candidate.

    Vetoes are about all writes that the policy allows: a category that pulls has to show with few
    labels. Impact and flows are about those from the certified confidence on, where there is one.
    """
    candidate = material.chosen
    population = material.population or population_of(candidate.answers)
    writes = Writes.of(candidate.answers, material.policy)
    curve = _curve(material, writes)
    level = material.policy.min_confidence if curve.certified is None else curve.certified
    found = _vetoes(material, writes)
    moved = population.transitions(level, material.policy.veto)
    proposals = sum(each.count for each in moved)
    labels = [str(label) for label in candidate.taxonomy.labels]
    return Findings(
        threshold=curve,
        vetoes=found,
        impact=_impact(material, proposals, writes.above(level)),
        over_use=over_used(pairs_of(candidate.answers), labels, alpha=material.gate.class_alpha),
        transitions=moved,
        flows=flows(
            moved,
            population.current(),
            ratio_warn=material.gate.flow_ratio_warn,
            retired=candidate.taxonomy.known - set(labels),
        ),
        looks=material.looks,
        split=material.split,
        stale=_stale(candidate.answers),
        unsound=unsound(material, curve),
        scarce={} if material.population is None else _scarce(moved, found, material.gate.top_up),
        population=population.rows,
        population_is_known=material.population is not None,
        dry_run=_dry_run(material.population, proposals),
    )


def pairs_of(answers: Sequence[Answered]) -> list[tuple[str, str]]:
    """Gold label and label said, of the rows that got one."""
    return [(str(each.row.gold), each.label) for each in answers if each.label is not None]


def _dry_run(population: Population | None, proposals: int) -> DryRunSeal | None:
    if population is None or population.run is None or population.number is None:
        return None
    return DryRunSeal(
        run=population.run, number=population.number, rows=population.rows, proposals=proposals
    )


def _curve(material: Material, writes: Writes) -> ThresholdCurve:
    """Over the writes in proportion, by effective counts where they have weights or clusters.

    Nothing below the least confident of them is certified: a dry run's proposals were drawn from
    some confidence on, and nobody has seen one below.
    """
    chosen = writes.proportional
    lowest = min((each.confidence for each in chosen), default=0.0)
    return certify(
        [each.confidence for each in chosen],
        [each.is_right for each in chosen],
        target=material.gate.write_precision,
        delta=material.delta,
        floor=max(lowest, material.policy.min_confidence),
        design=design_of(chosen),
    )


def _vetoes(material: Material, writes: Writes) -> tuple[Veto, ...]:
    counted = {label: _counts(found) for label, found in writes.by_category().items()}
    return vetoes(counted, floor=material.gate.class_floor, alpha=material.gate.class_alpha)


def _counts(answers: Sequence[Answered]) -> tuple[int, int]:
    """Right ones and all, effective ones where they stand for different numbers of rows."""
    right = np.array([each.is_right for each in answers])
    return effective_counts(right, Design.of([each.row for each in answers]))


def _impact(material: Material, moved: int, writes: Writes) -> Impact | None:
    effects = effect_counts(writes.proportional)
    labelled = sum(effects.values())
    if not labelled:
        return None
    return impact(
        effects[Effect.BETTER],
        effects[Effect.WORSE],
        effects[Effect.NEUTRAL],
        max(moved, labelled),
        seed=material.seed,
    )


def _scarce(moved: Sequence[Transition], found: Sequence[Veto], top_up: int) -> dict[str, int]:
    """Categories whose writes in the corpus would allow for more labels than there are."""
    there: Counter[str] = Counter()
    for each in moved:
        there[each.after] += each.count
    labelled = {veto.label: veto.n for veto in found}
    wanted = {label: min(top_up, count) for label, count in there.items()}
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
