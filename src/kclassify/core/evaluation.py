"""What an evaluation found, as plain data: the report and `--json` are made of nothing else.

Shares and confidences lie in [0, 1]; `Interval` holds an estimate with its bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kclassify.core.gate import GateRecord
from kclassify.core.proposals import (
    Flow,
    Impact,
    OverUse,
    Share,
    ThresholdCurve,
    ThresholdPoint,
    Transition,
    Veto,
)
from kclassify.core.scoring import (
    Baseline,
    Calibration,
    ClassScores,
    Comparison,
    Cost,
    Flip,
    FlipKind,
    Noise,
    PairedTest,
    ReliabilityPoint,
    Scores,
    VariantResult,
)

__all__ = [
    "Baseline",
    "Calibration",
    "ClassScores",
    "Comparison",
    "Cost",
    "Evaluation",
    "Flip",
    "FlipKind",
    "Flow",
    "GoldQuality",
    "GoldReview",
    "Impact",
    "Looks",
    "Noise",
    "OverUse",
    "PairedTest",
    "ReliabilityPoint",
    "SampleFacts",
    "Scores",
    "Share",
    "ThresholdCurve",
    "ThresholdPoint",
    "Transition",
    "VariantResult",
    "Veto",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFacts:
    """The labelled sample. `strata` maps a stratum to (rows in the corpus, rows drawn, weight).

    `rows` counts all labelled rows, `scored` those of the split that this evaluation looked at.
    `warnings` are what the checks found and let pass.
    """

    path: str
    digest: str
    rows: int
    scored: int
    unlabelled: int
    split: str
    frames: Mapping[str, int]
    strata: Mapping[str, tuple[int, int, float]]
    weighted: bool
    clusters: int | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldReview:
    """A row worth a second look: model and current label agree, against the gold label."""

    id: str
    title: str | None
    text: str
    gold: str
    others: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldQuality:
    """How the gold labels came about. `annotators` counts rows by how many people labelled them."""

    single: int
    agreed: int
    adjudicated: int
    unstated: int
    annotators: Mapping[int, int]
    review: tuple[GoldReview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The looks at this sample: the number of this one, and how many there may be (None: any)."""

    number: int
    budget: int | None
    sealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that one evaluation found about the candidate, and about what it is compared with.

    `population` counts the rows that the flows, impact and shares are about: those of a finished
    dry run, or those of the sample when there is none (`population_is_dry_run` is False then).
    """

    suite: str
    created_at: datetime
    sample: SampleFacts
    candidate: str
    variants: tuple[VariantResult, ...]
    baselines: tuple[Baseline, ...]
    comparisons: tuple[Comparison, ...]
    threshold: ThresholdCurve
    vetoes: tuple[Veto, ...]
    over_use: tuple[OverUse, ...]
    population: int
    population_is_dry_run: bool
    transitions: tuple[Transition, ...]
    flows: tuple[Flow, ...]
    impact: Impact | None
    shares: tuple[Share, ...]
    reliability: tuple[ReliabilityPoint, ...]
    calibration: Calibration | None
    gold: GoldQuality
    looks: Looks
    gate: GateRecord
