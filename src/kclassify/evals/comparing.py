"""Two variants on the same rows: the tests, and the rows that they label differently."""

from __future__ import annotations

from collections.abc import Sequence

from kclassify.core.evaluation import Comparison, Flip, FlipKind, PairedTest
from kclassify.core.excerpt import excerpt
from kclassify.core.metrics import Interval
from kclassify.evals.criteria import PolicyTable
from kclassify.evals.design import Design
from kclassify.evals.effects import design_of
from kclassify.evals.labelled import Answered, Frame
from kclassify.evals.material import Material, VariantAnswers
from kclassify.evals.paired import macro_f1_difference, paired_test, weighted_test
from kclassify.evals.planner import more_rows
from kclassify.evals.writes import holds_after

EXCERPT_CHARS = 400
_SURE = 0.05
Pair = tuple[Answered, Answered]


def compare(material: Material, baseline: VariantAnswers, candidate: VariantAnswers) -> Comparison:
    """The candidate beside the baseline, over the rows that both answered."""
    pairs = [
        (old, new)
        for old, new in zip(baseline.answers, candidate.answers, strict=True)
        if old.label is not None and new.label is not None
    ]
    even = [pair for pair in pairs if pair[1].row.frame is not Frame.TOP_UP]
    design = design_of([new for _, new in even])
    labels = _tested([(o.is_right, n.is_right) for o, n in even], design)
    writes = _tested([_right_after(pair, material.policy) for pair in even], design)
    return Comparison(
        baseline=baseline.name,
        candidate=candidate.name,
        labels=labels,
        writes=writes,
        macro_f1_difference=_macro_f1(material, pairs, candidate),
        flips=_flips(pairs, material.policy),
        labels_needed=more_rows(labels) if even and design is None else None,
        sentence=sentence_of(baseline.name, candidate.name, labels, weighted=design is not None),
    )


def sentence_of(baseline: str, candidate: str, test: PairedTest, *, weighted: bool = False) -> str:
    """The comparison in a sentence for somebody who has not heard of McNemar.

    `weighted`: the rows stand for different numbers of rows, and the test took that into account.
    """
    right, wrong = test.only_candidate, test.only_baseline
    candidate, baseline = repr(candidate), repr(baseline)
    if right == wrong == 0:
        return f"{candidate} and {baseline} are right on the same rows."
    counts = (
        f"{candidate} is right on {right:,} {_rows(right)} where {baseline} is wrong, and wrong on "
        f"{wrong:,} where {baseline} is right"
    )
    if test.p_value >= _SURE:
        seen = f"with {test.n:,} {_rows(test.n)} that may be chance"
        return f"{counts}: {seen} (p = {test.p_value:.2f})."
    if weighted:
        counts += ", weighted by the rows they stand for"
    better = "worse" if test.p_regression > 0.5 else "better"  # noqa: PLR2004
    p = "p < 0.001" if test.p_value < 0.001 else f"p = {test.p_value:.3f}"  # noqa: PLR2004
    return f"{counts}: it is {better}, and chance does not explain it ({p})."


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _tested(right: Sequence[tuple[bool, bool]], design: Design | None) -> PairedTest:
    before, after = [old for old, _ in right], [new for _, new in right]
    test = paired_test(before, after)
    return test if design is None else weighted_test(test, before, after, design)


def _right_after(pair: Pair, policy: PolicyTable) -> tuple[bool, bool]:
    old, new = (holds_after(answer, policy) == answer.row.gold for answer in pair)
    return old, new


def _macro_f1(
    material: Material, pairs: Sequence[Pair], candidate: VariantAnswers
) -> Interval | None:
    if not pairs:
        return None
    rows = [new.row for _, new in pairs]
    return macro_f1_difference(
        [str(row.gold) for row in rows],
        [str(old.label) for old, _ in pairs],
        [str(new.label) for _, new in pairs],
        Design.of(rows),
        [str(label) for label in candidate.taxonomy.labels],
        seed=material.seed,
        replicates=material.replicates,
    )


def _flips(pairs: Sequence[Pair], policy: PolicyTable) -> tuple[Flip, ...]:
    """What broke first, then what was fixed, then the rest."""
    order = {FlipKind.BROKEN: 0, FlipKind.FIXED: 1, FlipKind.STILL_WRONG: 2}
    found = [_flip(old, new, policy) for old, new in pairs if old.label != new.label]
    return tuple(sorted(found, key=lambda flip: (order[flip.kind], flip.gold, flip.id)))


def _flip(old: Answered, new: Answered, policy: PolicyTable) -> Flip:
    row = new.row
    return Flip(
        id=row.id,
        title=row.title,
        text=excerpt(row.body, EXCERPT_CHARS),
        gold=str(row.gold),
        current=row.current,
        baseline=str(old.label),
        baseline_confidence=old.confidence,
        candidate=str(new.label),
        candidate_confidence=new.confidence,
        kind=_kind(old, new),
        writes=_who_writes(old, new, policy),
    )


def _kind(old: Answered, new: Answered) -> FlipKind:
    if new.is_right:
        return FlipKind.FIXED
    return FlipKind.BROKEN if old.is_right else FlipKind.STILL_WRONG


def _who_writes(old: Answered, new: Answered, policy: PolicyTable) -> str:
    baseline = holds_after(old, policy) != old.row.current
    candidate = holds_after(new, policy) != new.row.current
    if baseline == candidate:
        return "both" if baseline else "neither"
    return "baseline" if baseline else "candidate"
