"""What an evaluation found, as plain data: the report and `--json` are made of nothing else.

Shares and confidences lie in [0, 1]; `Interval` holds an estimate with its bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kclassify.core.gate import GateRecord
from kclassify.core.metrics import ConfusionMatrix, Interval


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
class ClassScores:
    """One category. `gold` and `predicted` count rows, without weights."""

    label: str
    gold: int
    predicted: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How right a set of labels is. `unanswered` counts the rows without a label, by reason.

    Rows without a label are never scored as wrong: `answered` rows are what everything rests on.
    """

    answered: int
    unanswered: Mapping[str, int]
    accuracy: Interval
    macro_f1: Interval | None
    kappa: Interval | None
    classes: tuple[ClassScores, ...]
    confusion: ConfusionMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Repeats of the same question: how many rows got more than one label, and which.

    `confidence_spread` is the mean standard deviation of a row's confidences.
    """

    repeats: int
    rows: int
    changed: Interval
    confidence_spread: float
    unstable: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a variant took. Tokens are those of the calls and replays together; seconds of calls."""

    calls: int
    replayed: int
    input_tokens: int
    output_tokens: int
    latency_p50_s: float | None
    latency_p95_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantResult:
    """A variant and its scores. `parts` are what its fingerprint is made of."""

    name: str
    model: str
    fingerprint: str
    parts: Mapping[str, str]
    taxonomy: str
    scores: Scores
    cost: Cost
    noise: Noise | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Labels to compare with that are no variant: `leave it as it is`, the embedded classifier."""

    name: str
    description: str
    scores: Scores


class FlipKind(StrEnum):
    """What a flip from the baseline's label to the candidate's did."""

    FIXED = "fixed"
    BROKEN = "broken"
    STILL_WRONG = "still wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A row that two variants label differently. `text` is an excerpt of its body.

    `writes` says whose label would be written: neither, "baseline", "candidate" or "both".
    """

    id: str
    title: str | None
    text: str
    gold: str
    current: str | None
    baseline: str
    baseline_confidence: float
    candidate: str
    candidate_confidence: float
    kind: FlipKind
    writes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """The discordant pairs of two variants, and mid-p McNemar on them.

    `p_regression` is P(the candidate is worse) = BetaCDF(1/2; b + 1/2, c + 1/2), b the rows that
    only the candidate has right and c those that only the baseline has.
    """

    n: int
    both_right: int
    only_candidate: int
    only_baseline: int
    both_wrong: int
    p_value: float
    p_regression: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two variants on the same rows. `writes` is the same test over the writes they would make.

    There a row is right when what it holds after the commit is its gold label. `labels_needed` is
    how many rows would show the difference that was seen, with power 0.8; None when there is none.
    """

    baseline: str
    candidate: str
    labels: PairedTest
    writes: PairedTest
    macro_f1_difference: Interval | None
    flips: tuple[Flip, ...]
    labels_needed: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdPoint:
    """The writes from this confidence on: how many of the sample, how many right, and the bound.

    `tested` says whether the fixed sequence got to it, `certified` whether it passed there.
    """

    threshold: float
    writes: int
    right: int
    precision: float
    lower: float
    tested: bool
    certified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdCurve:
    """Write precision by threshold, strictest first, and the lowest one that is certified."""

    target: float
    delta: float
    fewest: int
    points: tuple[ThresholdPoint, ...]
    certified: float | None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """A category's proposals: `right` of `n`; vetoed when they are shown to be under the floor.

    `interval` is what is plausible for its precision; `p_value` is adjusted by Holm.
    """

    label: str
    right: int
    n: int
    floor: float
    interval: Interval
    p_value: float
    vetoed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OverUse:
    """A category that is chosen too often: false positives against false negatives.

    `p_value` is one-sided and adjusted by Holm.
    """

    label: str
    false_positives: int
    false_negatives: int
    p_value: float
    flagged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """How many rows would move from one label to another."""

    before: str | None
    after: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What would enter and leave a category.

    `from_retired` counts the rows of `inflow` that have to go somewhere: those of retired
    categories and those without a label. `ratio` is the rest of the inflow over the outflow, None
    when none leave. `alarm` needs no labels: the ratio reaches `flow_ratio_warn`, and chance does
    not explain it.
    """

    label: str
    rows: int
    inflow: int
    outflow: int
    ratio: float | None
    alarm: bool
    from_retired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a commit would do to the corpus: `writes` rows change.

    `better`: were wrong and become right; `worse`: were right and become wrong; `neutral`: wrong
    before and after. Counts of rows. `p_net_positive` is the probability that better exceeds worse.
    """

    writes: int
    labelled: int
    better: Interval
    worse: Interval
    neutral: Interval
    net: Interval
    p_net_positive: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A category's share of the corpus: now, as predicted, and as it truly is (post-stratified)."""

    label: str
    current: float | None
    predicted: float
    actual: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityPoint:
    """Rows of one confidence value, or of a range of them: how many were right."""

    confidence: float
    n: int
    right: int
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Platt's sigmoid on the disagreements: the Brier score before and after, out of fold."""

    n: int
    brier_before: float
    brier_after: float
    slope: float
    intercept: float


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
