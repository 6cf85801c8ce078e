"""How right a classifier was on labelled rows, each score with an interval that held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kclassify.core.evaluation import ClassScores, Scores
from kclassify.core.metrics import ConfusionMatrix, Interval
from kclassify.errors import UsageError
from kclassify.evals.bootstrap import percentile, replicate_tables
from kclassify.evals.design import Design, proportion
from kclassify.evals.label_table import LabelTable, number_labels
from kclassify.evals.labelled import Answered

_F1 = "Wilson's of the Jaccard index"


def score(
    answers: Sequence[Answered], labels: Sequence[str], *, seed: int = 0, replicates: int = 1000
) -> Scores:
    """The scores of the answers that hold a label; the others are counted by their outcome.

    `labels` come first among the classes, in their order, and then whatever else was met. The same
    seed gives the same intervals, in whatever order the answers come. Raises `UsageError` when no
    row has an answer, or when weights are missing or no weights; `ValueError` for a row without a
    gold label.
    """
    _require_gold(answers)
    found = sorted((a for a in answers if a.label is not None), key=lambda a: a.row.id)
    if not found:
        raise UsageError(_nothing_to_score(answers))
    design = Design.of([each.row for each in found])
    pairs = [(str(each.row.gold), str(each.label)) for each in found]
    confusion = ConfusionMatrix.of(
        labels, ((g, p, float(w)) for (g, p), w in zip(pairs, design.weights, strict=True))
    )
    return _scores(pairs, design, confusion, Counter(_unanswered(answers)), (seed, replicates))


def _scores(
    pairs: Sequence[tuple[str, str]],
    design: Design,
    confusion: ConfusionMatrix,
    unanswered: Counter[str],
    bootstrap: tuple[int, int],
) -> Scores:
    gold = number_labels([g for g, _ in pairs], confusion.labels)
    predicted = number_labels([p for _, p in pairs], confusion.labels)
    macro_f1, kappa = _bootstrapped(gold, predicted, design, confusion, bootstrap)
    return Scores(
        answered=len(pairs),
        unanswered=dict(sorted(unanswered.items())),
        accuracy=proportion(gold == predicted, design),
        macro_f1=macro_f1,
        kappa=kappa,
        classes=tuple(
            _class_scores(label, gold == place, predicted == place, design)
            for place, label in enumerate(confusion.labels)
        ),
        confusion=confusion,
    )


def _class_scores(
    label: str, gold: NDArray[np.bool_], predicted: NDArray[np.bool_], design: Design
) -> ClassScores:
    right = gold & predicted
    return ClassScores(
        label=label,
        gold=int(gold.sum()),
        predicted=int(predicted.sum()),
        precision=proportion(right, design, predicted) if predicted.any() else None,
        recall=proportion(right, design, gold) if gold.any() else None,
        f1=_f1(right, gold | predicted, design),
    )


def _f1(right: NDArray[np.bool_], either: NDArray[np.bool_], design: Design) -> Interval | None:
    """F1 = 2J / (1 + J), where J is the share that is right of what is or is called the label."""
    if not either.any():
        return None
    j = proportion(right, design, either)
    estimate, low, high = (2 * each / (1 + each) for each in (j.estimate, j.low, j.high))
    return Interval(estimate, low, high, j.n, _F1, j.level)


def _bootstrapped(
    gold: NDArray[np.int64],
    predicted: NDArray[np.int64],
    design: Design,
    confusion: ConfusionMatrix,
    bootstrap: tuple[int, int],
) -> tuple[Interval | None, Interval | None]:
    table = LabelTable.of(gold, predicted, len(confusion.labels))
    seed, replicates = bootstrap
    drawn = replicate_tables(table.cells, len(table), design, seed=seed, replicates=replicates)
    found = [(table.macro_f1(tables), table.kappa(tables)) for tables in drawn]
    macro_f1 = np.concatenate([one for one, _ in found])
    kappa = np.concatenate([one for _, one in found])
    n = proportion(gold == predicted, design).n
    return (
        None if confusion.macro_f1 is None else percentile(confusion.macro_f1, macro_f1, n),
        None if confusion.kappa is None else percentile(confusion.kappa, kappa, n),
    )


def _require_gold(answers: Sequence[Answered]) -> None:
    without = next((each.row.id for each in answers if each.row.gold is None), None)
    if without is not None:
        raise ValueError(f"row {without!r} has no gold label and cannot be scored")


def _unanswered(answers: Sequence[Answered]) -> list[str]:
    return [each.outcome.kind.value for each in answers if each.label is None]


def _nothing_to_score(answers: Sequence[Answered]) -> str:
    if not answers:
        return "there is no labelled row to score"
    counts = Counter(_unanswered(answers))
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common())
    return f"none of {len(answers):,} labelled rows has an answer to score: {reasons}"
