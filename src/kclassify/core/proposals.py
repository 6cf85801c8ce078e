"""What is found of the writes that a run proposes: which may be made, and what they would do."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.core.metrics import Interval


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
