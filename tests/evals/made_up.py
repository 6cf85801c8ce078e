"""Labelled rows and answers, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kclassify import Category, Taxonomy
from kclassify.core.evaluation import Cost, Looks
from kclassify.core.gate import verdict_digest
from kclassify.core.item import digest_of
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict, judged
from kclassify.evals.criteria import GateTable, PolicyTable
from kclassify.evals.labelled import Answered, Frame, LabelledItem
from kclassify.evals.material import Cell, Material, Population, VariantAnswers
from kclassify.evals.sample import Sample

Cells = dict[Cell, int]
AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
COST = Cost(
    calls=0, replayed=0, input_tokens=0, output_tokens=0, latency_p50_s=None, latency_p95_s=None
)


def taxonomy(*labels: str, retired: Sequence[str] = ("convention",)) -> Taxonomy[str]:
    active = tuple(Category(name=label, definition=f"a {label}") for label in labels)
    gone = tuple(Category(name=label, retired=True) for label in retired)
    return Taxonomy("knowledge", (*active, *gone))


def answered(
    number: int,
    gold: str,
    said: str | None,
    *,
    current: str | None = "convention",
    confidence: float = 0.9,
    frame: Frame = Frame.WRITES,
    body: str | None = None,
    **rest: Any,
) -> Answered:
    """A row and what was said of it; None is a refusal."""
    outcome: Outcome[str] = Outcome(OutcomeKind.REFUSED)
    if said is not None:
        outcome = judged(Verdict(said, confidence, "made up"))
    digest = None if frame is Frame.UNIFORM else verdict_digest(outcome)
    given: dict[str, Any] = {
        "id": str(number),
        "body": f"text {number}" if body is None else body,
        "current": current,
        "gold": gold,
        "frame": frame,
        "verdict_digest": digest,
    }
    row = LabelledItem(**{**given, **rest})
    return Answered(row, outcome)


def variant(
    answers: Sequence[Answered], name: str = "new", labels: Sequence[str] = ()
) -> VariantAnswers:
    said = {each.label for each in answers} | {each.row.gold for each in answers}
    known = sorted({"essay", "playbook", *labels, *(label for label in said if label)})
    return VariantAnswers(
        name=name,
        model="made up",
        fingerprint=digest_of(name),
        parts={"taxonomy": digest_of(name), "model": "made up"},
        taxonomy=taxonomy(*(label for label in known if label != "convention")),
        repeats=[answers],
        cost=COST,
    )


def material(
    answers: Sequence[Answered],
    *,
    baseline: Sequence[Answered] | None = None,
    cells: Mapping[Cell, int] | None = None,
    gate: GateTable | None = None,
    policy: PolicyTable | None = None,
    labels: Sequence[str] = (),
    **rest: Any,
) -> Material:
    variants = [variant(answers, "new", labels)]
    if baseline is not None:
        variants.insert(0, variant(baseline, "old", labels))
    rows = tuple(each.row for each in answers)
    given: dict[str, Any] = {
        "suite": "made up",
        "created_at": AT,
        "kclassify": "0.1.0",
        "sample": Sample(path=Path("sample.jsonl"), digest="d" * 64, rows=rows, warnings=()),
        "sample_path": "sample.jsonl",
        "rows": rows,
        "split": "all",
        "policy": policy or PolicyTable(min_confidence=0.5),
        "gate": gate or GateTable(),
        "variants": variants,
        "candidate": "new",
        "baseline": None if baseline is None else "old",
        "baselines": (),
        "population": None if cells is None else Population(cells),
        "looks": Looks(number=1, budget=None, sealed=False),
        "replicates": 50,
    }
    return Material(**{**given, **rest})
