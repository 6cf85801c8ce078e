"""What a variant has to be better than: the labels as they are, and the embedded classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import anyio.to_thread

from kclassify.classifier import LocalClassifier
from kclassify.core.decision import Halt
from kclassify.core.evaluation import Baseline
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict, judged
from kclassify.errors import UsageError
from kclassify.evals.labelled import Answered, LabelledItem
from kclassify.evals.scores import score

AS_IT_IS = "leave it as it is"
EMBEDDED = "embedded classifier"
_FOLDS = 5
_FEWEST = 4
"""Rows of a category: less than two of them might be left to learn from in a fold."""
_MOST_ROWS = 5_000
"""Rows above which fitting it five times takes minutes."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A baseline that there is not, and why."""

    reason: str


def as_it_is(rows: Sequence[LabelledItem], labels: Sequence[str], seed: int) -> Baseline | LeftOut:
    """The labels that the rows carry now, taken as answers."""
    if all(row.current is None for row in rows):
        return LeftOut(f"{AS_IT_IS}: no row of the sample has a current label")
    answers = [Answered(row, _current(row)) for row in rows]
    return Baseline(
        name=AS_IT_IS,
        description="the labels that the rows carry now; a row without one is unanswered",
        scores=score(answers, labels, seed=seed),
    )


def _current(row: LabelledItem) -> Outcome[str]:
    if row.current is None:
        return Outcome(OutcomeKind.ABSTAINED, detail="it carries no label")
    return judged(Verdict(row.current, 1.0, AS_IT_IS))


async def embedded(
    rows: Sequence[LabelledItem], taxonomy: Taxonomy[str], seed: int
) -> Baseline | LeftOut:
    """The embedded classifier, each row judged by one that was fitted on other rows only.

    Rows of one cluster are never on both sides.
    """
    reason = _obstacle(rows)
    if reason is not None:
        return LeftOut(f"{EMBEDDED}: {reason}")
    found: dict[int, Outcome[str]] = {}
    try:
        for learned, held_out in _folds(rows, seed):
            fitted = await anyio.to_thread.run_sync(_fit, taxonomy, [rows[i] for i in learned])
            for i in held_out:
                found[i] = await _said(fitted, rows[i])
    except UsageError as error:
        return LeftOut(f"{EMBEDDED}: {error}")
    answers = [Answered(row, found[i]) for i, row in enumerate(rows)]
    labels = [str(label) for label in taxonomy.labels]
    return Baseline(
        name=EMBEDDED,
        description="fitted on the sample itself, each row judged by one that had not seen it",
        scores=score(answers, labels, seed=seed),
    )


def _obstacle(rows: Sequence[LabelledItem]) -> str | None:
    counts = Counter(row.gold for row in rows)
    rarest, count = min(counts.items(), key=lambda pair: pair[1])
    if len(counts) == 1:
        return f"every row is labelled {rarest!r}"
    if count < _FEWEST:
        return f"it needs {_FEWEST} rows of each category, and {rarest!r} has {count}"
    if len(rows) > _MOST_ROWS:
        return f"it is fitted on at most {_MOST_ROWS:,} rows, and there are {len(rows):,}"
    clusters = {(row.gold, _cluster(row)) for row in rows}
    alone = [label for label, n in Counter(label for label, _ in clusters).items() if n == 1]
    return f"all rows of {alone[0]!r} are in one cluster" if alone else None


def _cluster(row: LabelledItem) -> str:
    return f"cluster {row.cluster_id}" if row.cluster_id is not None else f"row {row.id}"


def _folds(rows: Sequence[LabelledItem], seed: int) -> Iterator[tuple[list[int], list[int]]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # noqa: PLC0415

    gold = [str(row.gold) for row in rows]
    folds = min(_FOLDS, *Counter(gold).values())
    clusters = [_cluster(row) for row in rows]
    groups = clusters if len(set(clusters)) < len(rows) else None
    kind: Any = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    for learned, held_out in splitter.split(gold, gold, groups):
        yield learned.tolist(), held_out.tolist()


def _fit(taxonomy: Taxonomy[str], rows: Sequence[LabelledItem]) -> LocalClassifier[str]:
    return LocalClassifier[str].fit(taxonomy, [(row.item, str(row.gold)) for row in rows])


async def _said(fitted: LocalClassifier[str], row: LabelledItem) -> Outcome[str]:
    outcome = await fitted.judge(row.item)
    if isinstance(outcome, Halt):
        return Outcome(OutcomeKind.UNAVAILABLE, detail=outcome.reason)
    return outcome
