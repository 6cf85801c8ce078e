"""The whole loop on the shipped corpus, step by step: `kclassify demo`."""

from __future__ import annotations

import io
import os
import time
from contextlib import ExitStack, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from kclassify.cli.demo_corpus import Corpus, Snapshot, shipped_corpus, snapshot, write_place
from kclassify.cli.demo_evaluation import (
    MIN_CONFIDENCE,
    draw_sample,
    evaluate_sample,
    label_sample,
    write_suite,
)
from kclassify.cli.demo_report import Commit, DemoReport
from kclassify.cli.pass_report import written
from kclassify.cli.running import Order, Result, carry_out
from kclassify.cli.undoing import undo
from kclassify.config import Settings, load_settings
from kclassify.core.evaluation import Evaluation
from kclassify.core.gate import GateVerdict
from kclassify.errors import GateRefused
from kclassify.ports import Mode
from kclassify.store import PassReport

INTERRUPTED_AFTER = 60


def demonstrate(keep: Path | None, report: DemoReport) -> bool:
    """Run the loop and tell `report` of each step; whether everything came out as promised."""
    began = time.monotonic()
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(TemporaryDirectory(prefix="kclassify-demo-")))
        corpus = shipped_corpus()
        settings = write_place(folder, corpus, MIN_CONFIDENCE)
        suite = write_suite(folder)
        report.begin(folder, is_kept=keep is not None)
        held = _Demo(folder, settings, suite, corpus, report).run()
    report.end(time.monotonic() - began, held=held)
    return held


@dataclass
class _Demo:
    folder: Path
    file: Path
    suite: Path
    corpus: Corpus
    report: DemoReport
    gold: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.gold = {article.id: article.gold for article in self.corpus.relabelled}

    def run(self) -> bool:
        before = snapshot(self.folder)
        self.report.corpus(self.corpus, self._right(before))
        self.report.dry_run(self._work(Mode.DRY_RUN))
        refusal = self._refusal()
        self.report.refusal(refusal)
        if refusal is None or snapshot(self.folder) != before:
            return False
        evaluation = self._evaluate()
        if evaluation.gate.verdict is not GateVerdict.PASS:
            return False
        return self._commit_and_undo(before, evaluation)

    def _evaluate(self) -> Evaluation:
        sampled = draw_sample(self._settings(), self.folder)
        label_sample(sampled.path, self.gold)
        self.report.sample(sampled)
        evaluation = evaluate_sample(self.suite, self.file)
        self.report.evaluation(evaluation)
        return evaluation

    def _commit_and_undo(self, before: Snapshot, evaluation: Evaluation) -> bool:
        first = self._work(Mode.COMMIT, max_items=INTERRUPTED_AFTER)
        second = self._work(Mode.COMMIT)
        after = snapshot(self.folder)
        commit = self._commit(before, after)
        self.report.commit(first, second, commit, evaluation)
        third = self._work(Mode.COMMIT)
        self.report.commit_again(third)
        undone = undo(self._settings())
        restored = snapshot(self.folder)
        self.report.rollback(undone, before, restored)
        promised = commit.changed == written(_pass(second)) > 0
        gated = all(_pass(each).gate and not _pass(each).override for each in (first, second))
        quiet = written(_pass(third)) == 0 == second.course.calls + third.course.calls
        return promised and gated and quiet and restored.digest == before.digest

    def _refusal(self) -> str | None:
        """What a commit says that nothing allows, as somebody in the folder reads it."""
        try:
            self._work(Mode.COMMIT)
        except GateRefused as refused:
            return str(refused).replace(f"{self.folder}{os.sep}", "")
        return None

    def _settings(self, max_items: int | None = None) -> Settings:
        arguments = {"runner": {"max_items": max_items}}
        return load_settings(self.file, environment={}, arguments=arguments)

    def _work(self, mode: Mode, max_items: int | None = None) -> Result:
        order = Order(mode=mode, model="local", quiet=True)
        with redirect_stderr(io.StringIO()):  # its warnings are told with its step
            return carry_out(self._settings(max_items), order)

    def _right(self, now: Snapshot) -> int:
        return sum(now.labels[key] == label for key, label in self.gold.items())

    def _commit(self, before: Snapshot, after: Snapshot) -> Commit:
        changed = [key for key, label in before.labels.items() if after.labels[key] != label]
        return Commit(
            changed=len(changed),
            changed_right=sum(after.labels[key] == self.gold[key] for key in changed),
            right_before=self._right(before),
            right=self._right(after),
        )


def _pass(result: Result) -> PassReport:
    if result.report is None:
        raise AssertionError("a run that worked has a pass")
    return result.report
