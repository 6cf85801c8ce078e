"""The whole loop on the shipped corpus, step by step: `kclassify demo`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from kclassify.classifier.from_settings import local_classifier
from kclassify.cli.demo_corpus import (
    Corpus,
    Snapshot,
    labelled,
    shipped_corpus,
    snapshot,
    write_place,
)
from kclassify.cli.demo_report import Accuracy, DemoReport
from kclassify.cli.demo_threshold import Threshold, choose_threshold, judgements_of, out_of_fold
from kclassify.cli.pass_report import written
from kclassify.cli.running import Order, Result, carry_out
from kclassify.cli.undoing import undo
from kclassify.config import Settings, load_settings
from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.core.taxonomy import Taxonomy
from kclassify.ports import Mode
from kclassify.store import PassReport

INTERRUPTED_AFTER = 60
OVERRIDE = "demo: the figures above are its evaluation"


def demonstrate(keep: Path | None, report: DemoReport) -> bool:
    """Run the loop and tell `report` of each step; whether everything came out as promised."""
    began = time.monotonic()
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(TemporaryDirectory(prefix="kclassify-demo-")))
        corpus = shipped_corpus()
        taxonomy = Taxonomy.from_toml(corpus.taxonomy)
        threshold = choose_threshold(out_of_fold(taxonomy, labelled(corpus.learned)))
        settings = write_place(folder, corpus, threshold.confidence)
        report.begin(folder, is_kept=keep is not None)
        held = _Demo(folder, settings, corpus, threshold, report).run()
    report.end(time.monotonic() - began, held=held)
    return held


@dataclass
class _Demo:
    folder: Path
    file: Path
    corpus: Corpus
    threshold: Threshold
    report: DemoReport
    gold: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.gold = {article.id: article.gold for article in self.corpus.relabelled}

    def run(self) -> bool:
        before = snapshot(self.folder)
        self.report.corpus(self.corpus, self._right(before))
        self._classify(self._right(before))
        dry = self._work(Mode.DRY_RUN)
        self.report.dry_run(dry)
        first = self._work(Mode.COMMIT, max_items=INTERRUPTED_AFTER)
        second = self._work(Mode.COMMIT)
        after = snapshot(self.folder)
        rights = self._right(before), self._right(after)
        self.report.commit(first, second, rights, _changed(before, after))
        third = self._work(Mode.COMMIT)
        self.report.commit_again(third)
        undone = undo(self._settings())
        restored = snapshot(self.folder)
        self.report.rollback(undone, before, restored)
        return self._holds(second, third, before, after, restored)

    def _holds(
        self, second: Result, third: Result, before: Snapshot, after: Snapshot, restored: Snapshot
    ) -> bool:
        promised = _changed(before, after) == written(_pass(second)) > 0
        quiet = written(_pass(third)) == 0 == second.course.calls + third.course.calls
        return promised and quiet and restored.digest == before.digest

    def _settings(self, max_items: int | None = None) -> Settings:
        arguments = {"runner": {"max_items": max_items}}
        return load_settings(self.file, environment={}, arguments=arguments)

    def _work(self, mode: Mode, max_items: int | None = None) -> Result:
        override = OVERRIDE if mode is Mode.COMMIT else None
        order = Order(mode=mode, model="local", override=override, quiet=True)
        return carry_out(self._settings(max_items), order)

    def _right(self, now: Snapshot) -> int:
        return sum(now.labels[key] == label for key, label in self.gold.items())

    def _classify(self, stale: int) -> None:
        began = time.monotonic()
        settings = self._settings()
        taxonomy = read_taxonomy(settings.taxonomy.file)
        classifier = local_classifier(taxonomy, settings.classifier)
        seconds = time.monotonic() - began
        judged = judgements_of(classifier, labelled(self.corpus.relabelled))
        sure = [each for each in judged if each.confidence >= self.threshold.confidence]
        found = Accuracy(
            stale=stale,
            right=sum(each.right for each in judged),
            of=len(judged),
            right_when_sure=sum(each.right for each in sure),
            sure=len(sure),
        )
        self.report.classifier(seconds, self.threshold, found)


def _changed(before: Snapshot, after: Snapshot) -> int:
    return sum(after.labels[key] != label for key, label in before.labels.items())


def _pass(result: Result) -> PassReport:
    if result.report is None:
        raise AssertionError("a run that worked has a pass")
    return result.report
