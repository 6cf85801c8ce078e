"""How right the labels of a variant are, beside gold and beside another variant's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kclassify.core.metrics import ConfusionMatrix, Interval


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
