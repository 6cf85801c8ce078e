"""What the demo tells: readable steps, or one JSON value at the end."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from kclassify.cli.demo_corpus import Corpus, Snapshot
from kclassify.cli.demo_threshold import Threshold
from kclassify.cli.ending import decision_facts
from kclassify.cli.output import say, say_json
from kclassify.cli.pass_report import pass_facts, say_pass, written
from kclassify.cli.running import Result
from kclassify.cli.wording import plural
from kclassify.store import RollbackReport

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many of the articles that were not learned are labelled right.

    `stale` counts the current labels that are. `sure` are the verdicts that may be written.
    """

    stale: int
    right: int
    of: int
    right_when_sure: int
    sure: int


class DemoReport:
    """Tells each step as it comes; with `as_json`, everything at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._facts: dict[str, object] = {}
        self._steps = 0
        self._items = 0

    def begin(self, folder: Path, *, is_kept: bool) -> None:
        """Where it all happens."""
        kept = "" if is_kept else " (removed at the end; --keep FOLDER leaves one)"
        self._facts["folder"] = str(folder)
        self._say(f"Everything below happens in {folder}{kept}.")

    def corpus(self, corpus: Corpus, right: int) -> None:
        """The two parts, and how good the stale labels of the second are."""
        learned, self._items = len(corpus.learned), len(corpus.relabelled)
        self._facts["corpus"] = {"examples": learned, "items": self._items, "right": right}
        self._step("The corpus")
        self._say(
            f"{learned + self._items} articles of an engineering knowledge base. Three of five, "
            f"{learned}, are labelled by hand and serve as examples."
        )
        self._say(
            f"The other {self._items} are in a SQLite table under the labels of an old taxonomy, "
            f"some of them retired since: {self._share(right)} are right."
        )

    def classifier(self, seconds: float, threshold: Threshold, found: Accuracy) -> None:
        """How the threshold was chosen, and how the classifier does on articles it has not seen."""
        self._facts["classifier"] = {
            "fit_seconds": round(seconds, 3),
            "threshold": dataclasses.asdict(threshold),
            **dataclasses.asdict(found),
        }
        self._step("The embedded classifier (TF-IDF and logistic regression, no key, no server)")
        self._say(f"Fitted in {seconds:.1f} s on the examples. {_origin(threshold)}")
        self._say(
            f"Of the articles in the table, which it has never seen, it labels "
            f"{_share(found.right, found.of)} right; {_share(found.stale, found.of)} of the labels "
            "there are right now."
        )
        self._say(
            f"Where its confidence is {threshold.confidence:g} or more it is right on "
            f"{_share(found.right_when_sure, found.sure)}: only those may be written."
        )

    def dry_run(self, result: Result) -> None:
        """What would move where."""
        self._keep("dry_run", result)
        self._step("kclassify dry-run")
        if result.report is not None and not self._as_json:
            say_pass(result.report)

    def commit(self, first: Result, second: Result, rights: tuple[int, int], changed: int) -> None:
        """A commit in two parts; `rights` are the right labels before it and after."""
        before, right = rights
        self._keep("commit_interrupted", first)
        self._keep("commit", second)
        self._facts["after_commit"] = {"right": right, "changed": changed}
        self._step('kclassify commit --override "demo", stopped halfway and started again')
        for result, how in ((first, "stopped after"), (second, "resumed, then done after")):
            if result.report is not None:
                self._say(
                    f"{how} {plural(result.course.settled, 'item')}: "
                    f"{plural(result.course.calls, 'call')}, the rest recalled from the dry run"
                )
        verdict = "better than" if right > before else "NO BETTER than"
        self._say(
            f"{plural(changed, 'row')} changed, each with its audit row. "
            f"{self._share(right)} of the labels are right now, {verdict} the {before} before."
        )

    def commit_again(self, result: Result) -> None:
        """A commit with nothing to do."""
        self._keep("commit_again", result)
        self._step("kclassify commit, once more")
        rows = 0 if result.report is None else written(result.report)
        self._say(f"{plural(rows, 'row')} written, {plural(result.course.calls, 'call')}.")

    def rollback(self, report: RollbackReport, before: Snapshot, now: Snapshot) -> None:
        """Whether every row is as it was."""
        same = before.digest == now.digest
        self._facts["rollback"] = {
            **dataclasses.asdict(report),
            "digest_before": before.digest,
            "digest_after": now.digest,
            "restored": same,
        }
        self._step("kclassify rollback")
        self._say(f"{plural(report.reverted, 'row')} put back.")
        self._say(f"SHA-256 of the table at the start {before.digest[:_DIGITS]}…")
        self._say(f"                  and now     {now.digest[:_DIGITS]}…")
        self._say("Every row is as it was." if same else "THE TABLE IS NOT AS IT WAS.")

    def end(self, seconds: float, *, held: bool) -> None:
        """How long it took, and whether everything came out as promised."""
        self._facts |= {"seconds": round(seconds, 1), "held": held}
        if self._as_json:
            say_json(self._facts)
            return
        say()
        say(f"Took {seconds:.1f} s." if held else "SOMETHING DID NOT COME OUT AS PROMISED.")

    def _keep(self, name: str, result: Result) -> None:
        self._facts[name] = {
            "decision": decision_facts(result.decision),
            "calls": result.course.calls,
            "recalled": result.course.recalled,
            "settled": result.course.settled,
            "pass": None if result.report is None else pass_facts(result.report),
        }

    def _share(self, part: int) -> str:
        return _share(part, self._items)

    def _step(self, title: str) -> None:
        self._steps += 1
        self._say()
        self._say(f"{self._steps}. {title}")

    def _say(self, line: str = "") -> None:
        if not self._as_json:
            say(line)


def _origin(threshold: Threshold) -> str:
    """How the threshold was chosen, in one sentence."""
    how = (
        "the lowest from which nine of ten were right"
        if threshold.reached
        else "nine of ten were right at none, so the best"
    )
    return (
        f"The confidence that a change needs, {threshold.confidence:g}, is chosen on the examples "
        f"alone, by cross-validation: {how} ({threshold.right} of {threshold.sure})."
    )


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.0%})" if whole else "none"
