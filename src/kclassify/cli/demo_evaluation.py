"""The evaluation of the demo: its suite, and a sample that two editors label."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anyio

from kclassify.cli.sampling import Sampled, Wanted, carry_out_sample
from kclassify.config import Settings
from kclassify.core.evaluation import Evaluation
from kclassify.errors import UsageError
from kclassify.evals.criteria import GateTable
from kclassify.evals.draw import Order
from kclassify.evals.evaluate import Request, Unfinished, evaluate
from kclassify.evals.labelled import Frame, LabelledItem
from kclassify.evals.labelling.votes import voted
from kclassify.evals.planner import labels_to_certify
from kclassify.evals.sample_file import read_rows, write_rows
from kclassify.evals.scaffold import write_scaffold
from kclassify.gate_file import write_record
from kclassify.whole_file import write_whole

MIN_CONFIDENCE = 0.40
SAMPLE_SIZE = 40
EDITORS = ("ana", "ben")
USUAL = GateTable()
USUALLY_RIGHT = 0.95
_EVALS, _SAMPLE, _SUITE = "evals", "sample.jsonl", "suite.toml"
_SUITE_TEXT = """\
# What each key means: docs/evaluation.md.

[run]
name = "demo"
sample = "sample.jsonl"

[[variant]]
name = "embedded classifier"
model = "local"

[policy]
min_confidence = {min_confidence}

# This corpus is too small for what a real one is asked for, which is 0.90, 0.10 and 0.85. Planned
# on the examples alone: cross-validated, 18 of the 23 writes that they would get from confidence
# 0.60 on are right. That promises a dozen such writes in the sample, which show that half are right
# (`kclassify eval plan --precision 0.5 --true 0.78 --alpha 0.2`: 10 labels), and not that 0.60 are
# (22 labels). From 0.40 on little more than half are right, so a class_floor above that would veto
# categories for proposals that the threshold keeps out.
[gate]
write_precision = 0.50
delta = 0.20
class_floor = 0.50
"""


def write_suite(folder: Path) -> Path:
    """Write the folder of evaluations into that of the demo; the path of its suite."""
    evals = folder / _EVALS
    write_scaffold(evals)
    suite = evals / _SUITE
    write_whole(suite, _SUITE_TEXT.format(min_confidence=MIN_CONFIDENCE))
    return suite


def draw_sample(settings: Settings, folder: Path) -> Sampled:
    """Draw from what the dry run proposes, as `kclassify sample` does."""
    wanted = Wanted(
        order=Order(frame=Frame.WRITES, size=SAMPLE_SIZE),
        origin=None,
        min_confidence=None,
        holdout=None,
        output=folder / _EVALS / _SAMPLE,
        force=False,
    )
    return carry_out_sample(settings, wanted)


def label_sample(path: Path, gold: Mapping[str, str]) -> None:
    """Give each row the votes of two editors for its gold label, as `kclassify label` does."""
    write_rows(path, [_labelled(row, gold[row.id]) for row in read_rows(path)])


def _labelled(row: LabelledItem, label: str) -> LabelledItem:
    for editor in EDITORS:
        row = voted(row, editor, label)
    return row


def evaluate_sample(suite: Path, config: Path) -> Evaluation:
    """Evaluate and write the gate record, as `kclassify eval` does, whatever the environment says.

    Raises `UsageError` where the embedded classifier gives no answer.
    """
    found = anyio.run(evaluate, Request(suite=suite, config=config, environment={}))
    if isinstance(found, Unfinished):
        raise UsageError(f"{found.missing} rows of the sample got no answer: {found.reason}")
    write_record(found.record, found.evaluation.gate)
    return found.evaluation


def usual_labels() -> int:
    """The labels that the usual gate takes when `USUALLY_RIGHT` of the writes are right."""
    return labels_to_certify(USUALLY_RIGHT, USUAL.write_precision, USUAL.delta)
