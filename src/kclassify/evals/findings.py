"""What was found of a run's writes: all that its gate is decided on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kclassify.core.evaluation import Flow, Impact, Looks, OverUse, ThresholdCurve, Transition, Veto
from kclassify.core.gate import DryRunSeal


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the checks are about.

    `stale` counts the gated rows that were drawn from another classifier's dry run, `unsound` says
    why the rows do not stand for the writes of the corpus. `scarce` holds the categories with too
    few labelled proposals, each with the number still to be labelled. `population` counts the rows
    of a finished dry run where `population_is_known`, else those of the sample; `dry_run` is what
    the record will be sealed to, None where there was no finished one.
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
    unsound: Sequence[str]
    scarce: Mapping[str, int]
    population: int
    population_is_known: bool
    dry_run: DryRunSeal | None = None
