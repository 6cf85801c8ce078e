"""What the demo's evaluation found, as data."""

from __future__ import annotations

import dataclasses

from kclassify.core.evaluation import Evaluation
from kclassify.report.wording import told_point


def gate_facts(found: Evaluation) -> dict[str, object]:
    """The verdict, and the policy that it certifies; None where it did not pass."""
    policy = found.gate.policy
    return {
        "verdict": found.gate.verdict.value,
        "sentence": found.gate.sentence,
        "threshold": None if policy is None else policy.threshold,
        "labels_needed": found.gate.labels_needed,
    }


def evaluation_facts(found: Evaluation, usual_labels: int) -> dict[str, object]:
    """The figures behind it. `usual_labels` are what the default gate would take."""
    point, impact = told_point(found.threshold), found.impact
    return {
        "labelled": found.sample.rows,
        "writes": None if point is None else dataclasses.asdict(point),
        "target": found.threshold.target,
        "delta": found.threshold.delta,
        "vetoed": [veto.label for veto in found.vetoes if veto.vetoed],
        "impact": None if impact is None else dataclasses.asdict(impact),
        "labels_of_the_default_gate": usual_labels,
    }
