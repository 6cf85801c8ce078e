"""The sentences of a report, for people who have not heard of its methods."""

from __future__ import annotations

from kclassify.core.evaluation import (
    Calibration,
    Comparison,
    Evaluation,
    Flip,
    GoldQuality,
    Impact,
    Looks,
    Noise,
    Scores,
    ThresholdCurve,
    ThresholdPoint,
    VariantResult,
    Veto,
)
from kclassify.core.gate import GateCheck, GateRecord, GateVerdict
from kclassify.report.inert import one_line
from kclassify.report.numbers import (
    between,
    confidence,
    counted,
    figure,
    percent,
    probability,
    rounded,
    score_with_bounds,
    whole,
)

ALMOST_SURE = 0.9999
"""A posterior is never certain, even where all of its draws agree."""
STATUS = {
    GateVerdict.PASS: "Pass",
    GateVerdict.FAIL: "Fail",
    GateVerdict.INCONCLUSIVE: "Inconclusive",
}
STALE = "Stale"
NO_LABEL = "(none)"
NO_NAME = "(no name)"
_LABEL, _FIRST = 60, 3


def named(label: str | None) -> str:
    """A label as it is shown, or a word for none."""
    return NO_LABEL if label is None else one_line(label, _LABEL) or NO_NAME


def quoted(name: str) -> str:
    """The name of a variant as it stands in a sentence."""
    return repr(named(name))


def status_of(gate: GateRecord) -> str:
    """The verdict in a word; `Stale` where the sample is of another dry run than the last."""
    return STALE if gate.is_stale else STATUS[gate.verdict]


def chosen_variant(evaluation: Evaluation) -> VariantResult | None:
    """The candidate's result."""
    found = (each for each in evaluation.variants if each.name == evaluation.candidate)
    return next(found, None)


def told_point(curve: ThresholdCurve) -> ThresholdPoint | None:
    """The certified point, else the one of all writes, else None."""
    for point in curve.points:
        if point.threshold == curve.certified:
            return point
    return curve.points[-1] if curve.points else None


def threshold_sentence(curve: ThresholdCurve) -> str:
    """What is certified, or how far it is from that."""
    point = told_point(curve)
    if point is None:
        return "No labelled row would be written, so nothing can be said of the writes."
    seen = f"{point.right:,} of {counted(point.writes, 'labelled write')}"
    if curve.certified is None:
        return (
            f"No threshold is certified: {seen} {_are(point.right)} right "
            f"({percent(point.precision)}): that shows {_shown(point)}, where "
            f"{percent(curve.target)} is asked for."
        )
    return (
        f"From confidence {confidence(point.threshold)} on, {seen} "
        f"{_are(point.right)} right ({percent(point.precision)}). That shows at least "
        f"{percent(point.lower)}, with a chance of at most {percent(curve.delta)} to be "
        f"wrong about it; {percent(curve.target)} is asked for."
    )


def _shown(point: ThresholdPoint) -> str:
    return f"only that at least {percent(point.lower)} are" if point.lower > 0 else "nothing"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def proposals_right(veto: Veto) -> str:
    """`9 of 15 labelled writes into 'playbook' are wrong: ...`."""
    wrong = veto.n - veto.right
    plausible = f"{percent(1 - veto.interval.high)} to {percent(1 - veto.interval.low)}"
    seen = f"{wrong:,} of {counted(veto.n, 'labelled write')} into {named(veto.label)!r}"
    return f"{seen} {_are(wrong)} wrong, plausibly {plausible} of them all"


def veto_sentence(evaluation: Evaluation) -> str:
    """Which categories must not be written into, and how that was seen."""
    vetoed = [veto for veto in evaluation.vetoes if veto.vetoed]
    total = counted(len(evaluation.vetoes), "category", "categories")
    left = left_out(evaluation)
    more = f" Left out by the policy: {left}." if left else ""
    if not vetoed:
        return f"None of {total} with labelled writes is shown to be under its floor.{more}"
    labelled = sum(veto.n for veto in evaluation.vetoes)
    told = "; ".join(proposals_right(veto) for veto in vetoed)
    return f"Of {counted(labelled, 'labelled write')}, {told}.{more}"


def left_out(evaluation: Evaluation) -> str:
    """The categories that the certified policy never writes into; empty without any."""
    policy = evaluation.gate.policy
    names = () if policy is None else policy.vetoed
    first = ", ".join(named(label) for label in names[:_FIRST])
    return f"{first} and {len(names) - _FIRST} more" if len(names) > _FIRST else first


def impact_sentence(impact: Impact) -> str:
    """What a commit would do, in rows."""
    sure = percent(min(impact.p_net_positive, ALMOST_SURE))
    return (
        f"Of {counted(impact.writes, 'row')} that would change, about "
        f"{rounded(impact.better.estimate)} become right, about {rounded(impact.worse.estimate)} "
        f"that were right become wrong, and about {rounded(impact.neutral.estimate)} stay wrong. "
        f"More get better than worse with a probability of {sure}."
    )


def population_sentence(evaluation: Evaluation) -> str:
    """What the flows, the impact and the shares are about."""
    rows = counted(evaluation.population, "row")
    if evaluation.population_is_dry_run:
        return f"These figures are about the {rows} of the finished dry run."
    return (
        f"There is no finished dry run, so these figures are about the {rows} of the sample: "
        "`kclassify dry-run` shows what would happen to the corpus."
    )


def answers_sentence(name: str, scores: Scores) -> str:
    """How many rows were answered, and how many of those rightly."""
    unanswered = sum(scores.unanswered.values())
    reasons = ", ".join(
        f"{reason} {count:,}"
        for reason, count in sorted(scores.unanswered.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    said = (
        f"{quoted(name)} answered {counted(scores.answered, 'row')}, "
        f"{percent(scores.accuracy.estimate)} of them rightly "
        f"(plausibly {between(scores.accuracy)})"
    )
    if not unanswered:
        return f"{said}."
    return f"{said}; {unanswered:,} without an answer are not scored ({reasons})."


def missing(evaluation: Evaluation) -> list[str]:
    """Why a part of the report is not there, a sentence for each."""
    told = {
        "No labelled row would be written, so there is no precision of the writes to show.": (
            evaluation.threshold.points
        ),
        "Nothing is known of rows that get better or worse: no labelled row would be written.": (
            evaluation.impact
        ),
        "No row would move to another category.": evaluation.transitions,
        "Nothing is compared: there is no second variant.": evaluation.comparisons,
        "How much the answers change when asked again is not known: nothing was asked twice.": any(
            variant.noise for variant in evaluation.variants
        ),
        "There is no finished dry run, which would show what happens to the whole corpus.": (
            evaluation.population_is_dry_run
        ),
    }
    return [sentence for sentence, is_there in told.items() if not is_there]


def noise_sentence(name: str, noise: Noise) -> str:
    """How much the answers change when the same is asked again."""
    changed = round(noise.changed.estimate * noise.rows)
    return (
        f"{quoted(name)} was asked {noise.repeats} times: {changed:,} of "
        f"{counted(noise.rows, 'row')} got more than one label "
        f"({percent(noise.changed.estimate)}, plausibly {between(noise.changed)})."
    )


def calibration_sentence(calibration: Calibration) -> str:
    """Whether a sigmoid on the confidences would help."""
    helps = calibration.brier_after < calibration.brier_before
    verdict = "would say better how often it is right" if helps else "would not help"
    return (
        f"A sigmoid fitted to {counted(calibration.n, 'disagreement')} {verdict}: Brier score "
        f"{figure(calibration.brier_before)} as it is, {figure(calibration.brier_after)} with it "
        "(0 is perfect)."
    )


def scaled_sentence(scores: Scores) -> str:
    """What the counts of a confusion matrix are where they are not labelled rows."""
    return (
        "These are no counts of labelled rows: each row counts for as many rows of the corpus as "
        "it stands for, and all counts are scaled together, so that their sum is "
        f"{whole(scores.confusion.total)}."
    )


def writers(flip: Flip, comparison: Comparison) -> str:
    """Whose label would be written to the row."""
    told = {
        "baseline": f"{quoted(comparison.baseline)} would write its label",
        "candidate": f"{quoted(comparison.candidate)} would write its label",
        "both": "both would write their label",
    }
    return told.get(flip.writes, "neither would write")


def gold_sentence(gold: GoldQuality) -> str:
    """How the gold labels came about."""
    told = [
        f"{gold.single:,} by one person",
        f"{gold.agreed:,} by people who agreed",
        f"{gold.adjudicated:,} decided by a third",
        *([f"{gold.unstated:,} without a note of it"] if gold.unstated else []),
    ]
    return f"The gold labels: {', '.join(told)}."


def looks_sentence(looks: Looks) -> str:
    """Which look at the sample this was."""
    of = "" if looks.budget is None else f" of {looks.budget}"
    sample = "the sealed holdout" if looks.sealed else "these rows, which are no sealed holdout"
    return f"This is look {looks.number}{of} at {sample}."


def check_facts(check: GateCheck) -> str:
    """`estimate 0.926, bound 0.902, target 0.9, n 204, method ..., alpha 0.1`: what there is."""
    told = [
        ("estimate", check.estimate),
        ("bound", check.bound),
        ("target", check.target),
        ("n", check.n),
        ("alpha", check.alpha),
    ]
    facts = [f"{name} {figure(value)}" for name, value in told if value is not None]
    return ", ".join([*facts, *([f"method {check.method}"] if check.method else [])])


def scores_line(scores: Scores) -> tuple[str, str, str]:
    """Accuracy, macro-F1 and kappa as they stand in a table."""
    accuracy = f"{percent(scores.accuracy.estimate)} ({between(scores.accuracy)})"
    return accuracy, score_with_bounds(scores.macro_f1), score_with_bounds(scores.kappa)


def p_sentence(value: float) -> str:
    """`p = 0.011`, `p < 0.001`."""
    said = probability(value)
    return f"p {said}" if said.startswith("<") else f"p = {said}"
