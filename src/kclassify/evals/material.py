"""What an evaluation is assembled from: rows, answers, the corpus they stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from kclassify.core.evaluation import Baseline, Cost, Looks, Transition
from kclassify.core.taxonomy import Taxonomy
from kclassify.evals.criteria import GateTable, PolicyTable
from kclassify.evals.labelled import Answered, LabelledItem

if TYPE_CHECKING:
    from kclassify.evals.sample import Sample

Cell = tuple[str | None, str | None, float | None]
"""Label now, label said, confidence: None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantAnswers:
    """What a variant said. `repeats` holds one sequence of answers a repeat, in the rows' order.

    The first repeat is the one that is scored.
    """

    name: str
    model: str
    fingerprint: str
    parts: Mapping[str, str]
    taxonomy: Taxonomy[str]
    repeats: Sequence[Sequence[Answered]]
    cost: Cost

    @property
    def answers(self) -> Sequence[Answered]:
        """The answers that are scored."""
        return self.repeats[0]


@dataclass(frozen=True, slots=True)
class Population:
    """The corpus as a finished dry run of the candidate saw it, its rows counted by `Cell`.

    `run` and `number` say which pass of which run that was; None for rows that stand in for one.
    """

    cells: Mapping[Cell, int]
    run: str | None = None
    number: int | None = None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(self.cells.values())

    def current(self) -> Counter[str]:
        """Rows by the label that they carry now, those without one left out."""
        return self._counted(0)

    def predicted(self) -> Counter[str]:
        """Rows by the label that was said, those without an answer left out."""
        return self._counted(1)

    def _counted(self, place: int) -> Counter[str]:
        counted: Counter[str] = Counter()
        for cell, count in self.cells.items():
            label = cell[place]
            if isinstance(label, str):
                counted[label] += count
        return counted

    def transitions(self, threshold: float, vetoed: Sequence[str] = ()) -> tuple[Transition, ...]:
        """The writes from this confidence on, the most frequent first."""
        counted: Counter[tuple[str | None, str]] = Counter()
        for (before, after, confidence), count in self.cells.items():
            is_sure = confidence is not None and confidence >= threshold
            if after is not None and after != before and is_sure and after not in vetoed:
                counted[before, after] += count
        found = [Transition(before=b, after=a, count=n) for (b, a), n in counted.items()]
        return tuple(sorted(found, key=lambda one: (-one.count, one.before or "", one.after)))


def population_of(answers: Sequence[Answered]) -> Population:
    """The sample in the place of a corpus, each row once."""
    counted: Counter[Cell] = Counter()
    for one in answers:
        sure = None if one.label is None else one.confidence
        counted[one.row.current, one.label, sure] += 1
    return Population(counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that `assemble` needs.

    `rows` are the labelled rows that are scored, of one split where the sample has several (`split`
    names it, `all` where it has none). `sample_path` is how the record will name the sample,
    relative to its own folder. `baseline` names the variant to compare the candidate with, None
    when there is but one.
    """

    suite: str
    created_at: datetime
    kclassify: str
    sample: Sample
    sample_path: str
    rows: Sequence[LabelledItem]
    split: str
    policy: PolicyTable
    gate: GateTable
    variants: Sequence[VariantAnswers]
    candidate: str
    baseline: str | None
    baselines: Sequence[Baseline]
    population: Population | None
    looks: Looks
    warnings: Sequence[str] = field(default=())
    seed: int = 0
    replicates: int = 1000

    @property
    def delta(self) -> float:
        """The error allowed at this look: half as much at each further one.

        So all looks together certify wrongly with at most twice `[gate] delta`. The dev rows open
        nothing, and may be looked at.
        """
        further = 0 if self.split == "dev" else self.looks.number - 1
        return float(self.gate.delta * 0.5**further)

    @property
    def chosen(self) -> VariantAnswers:
        """The candidate's answers."""
        return self.variant(self.candidate)

    def variant(self, name: str) -> VariantAnswers:
        """The answers of the variant of this name."""
        return next(each for each in self.variants if each.name == name)
