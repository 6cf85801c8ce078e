"""What the demo tells: readable steps, or one JSON value at the end."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from kclassify.cli.demo_corpus import Corpus, Snapshot
from kclassify.cli.demo_evaluation import EDITORS, USUAL, USUALLY_RIGHT, usual_labels
from kclassify.cli.demo_facts import evaluation_facts, gate_facts
from kclassify.cli.ending import decision_facts
from kclassify.cli.output import say, say_json, say_table
from kclassify.cli.pass_report import action_counts, merged, pass_facts, written
from kclassify.cli.running import Result
from kclassify.cli.sampling import Sampled
from kclassify.cli.wording import ARROW, label, plural, shown
from kclassify.core.evaluation import Evaluation
from kclassify.core.policy import Action
from kclassify.report.numbers import percent
from kclassify.report.wording import (
    impact_sentence,
    status_of,
    threshold_sentence,
    veto_sentence,
)
from kclassify.store import PassReport, RollbackReport

_DIGITS = 16
_MOVES = 6
_NEXT = (
    ("kclassify commit", "writes again what the gate certified"),
    ("kclassify rollback", "puts it back"),
    ("kclassify eval --report report", "evaluates again, and writes a page to look at"),
    ("kclassify label evals/sample.jsonl", "opens the page where people label"),
)


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit came to.

    Rows changed, those of them that are right now, and the right labels of the whole table before
    it and after.
    """

    changed: int
    changed_right: int
    right_before: int
    right: int


class DemoReport:
    """Tells each step as it comes; with `as_json`, everything at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._facts: dict[str, object] = {}
        self._steps = 0
        self._items = 0
        self._proposed = 0
        self._refused: str | None = None
        self._kept: Path | None = None

    def begin(self, folder: Path, *, is_kept: bool) -> None:
        """Where it all happens."""
        self._kept = folder if is_kept else None
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
            f"{learned}, are labelled by hand: the embedded classifier (TF-IDF and logistic "
            "regression, no key, no server) learns from these."
        )
        self._say(
            f"The other {self._items}, which it never sees, are in a SQLite table under the labels "
            f"of an old taxonomy, some of them retired since: {self._share(right)} are right."
        )

    def dry_run(self, result: Result) -> None:
        """What would move where: the most frequent moves."""
        self._keep("dry_run", result)
        self._step("kclassify dry-run")
        if result.report is not None:
            self._proposed = action_counts(result.report)[Action.CHANGE]
            if not self._as_json:
                _say_moves(result.report)

    def refusal(self, reason: str | None) -> None:
        """What the gate says of a commit before anything is evaluated."""
        self._refused = reason
        self._facts["gate"] = {"refused_before": reason}
        self._step("kclassify commit")
        self._say(f"Refused: {shown(reason)}" if reason else "IT WAS NOT REFUSED.")

    def sample(self, sampled: Sampled) -> None:
        """How many proposals were drawn and labelled."""
        drawn, of = len(sampled.drawn.rows), sampled.drawn.population
        self._facts["sample"] = {
            "rows": drawn,
            "proposals": of,
            "frame": sampled.order.frame.value,
            "labelled_by": list(EDITORS),
        }
        self._step(f"kclassify sample --size {drawn}, kclassify label")
        self._say(
            f"{drawn} of the {of} proposals, drawn at random. The corpus knows the right labels: "
            "they are given here as two editors would who see neither the old label nor the new."
        )

    def evaluation(self, found: Evaluation) -> None:
        """What the labels show, what was asked for, and what usually is."""
        labels = usual_labels()
        self._facts["evaluation"] = evaluation_facts(found, labels)
        self._facts["gate"] = {"refused_before": self._refused, **gate_facts(found)}
        self._step("kclassify eval")
        self._say(f"{status_of(found.gate)}: {shown(found.gate.sentence)}")
        self._say(threshold_sentence(found.threshold))
        self._say(veto_sentence(found))
        if found.impact is not None:
            self._say(impact_sentence(found.impact))
        self._say(
            f"This suite asks for {percent(found.threshold.target)}, since there is little to "
            f"label. A real run asks for {percent(USUAL.write_precision)} with a chance of at most "
            f"{percent(USUAL.delta)} to be wrong, the default: that takes {labels} labelled "
            f"writes, if {percent(USUALLY_RIGHT)} of them are right."
        )

    def commit(self, first: Result, second: Result, done: Commit, found: Evaluation) -> None:
        """A commit in two parts, and whether it did what was certified."""
        self._keep("commit_interrupted", first)
        self._keep("commit", second)
        self._facts["after_commit"] = dataclasses.asdict(done)
        self._step("kclassify commit, stopped halfway and started again")
        for warning in dict.fromkeys(first.course.warnings + second.course.warnings):
            self._say(f"warning: {shown(warning)}")
        for result, how in ((first, "stopped after"), (second, "resumed, then done after")):
            if result.report is not None:
                self._say(
                    f"{how} {plural(result.course.settled, 'item')}: "
                    f"{plural(result.course.calls, 'call')}, the rest recalled from the dry run"
                )
        self._say(
            f"{plural(done.changed, 'row')} changed, each with its audit row. "
            f"{_share(done.changed_right, done.changed)} are right, where at least "
            f"{percent(found.threshold.target)} was certified. The other "
            f"{plural(self._proposed - done.changed, 'proposal')} stay unwritten."
        )
        verdict = "better than" if done.right > done.right_before else "NO BETTER than"
        self._say(
            f"In the whole table {self._share(done.right)} of the labels are right now, {verdict} "
            f"the {done.right_before} before."
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
        """How long it took, whether everything came out as promised, and what to do next."""
        self._facts |= {"seconds": round(seconds, 1), "held": held}
        if self._as_json:
            say_json(self._facts)
            return
        say()
        say(f"Took {seconds:.1f} s." if held else "SOMETHING DID NOT COME OUT AS PROMISED.")
        if self._kept is not None:
            say(f"\nNext, in {shown(self._kept)}:")
            for command, does in _NEXT:
                say(f"  {command:<36}{does}")

    def _keep(self, name: str, result: Result) -> None:
        self._facts[name] = {
            "decision": decision_facts(result.decision),
            "calls": result.course.calls,
            "recalled": result.course.recalled,
            "settled": result.course.settled,
            "warnings": result.course.warnings,
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


def _say_moves(report: PassReport) -> None:
    moves = merged(report.transitions, (Action.CHANGE,))
    rows = [(label(before), ARROW, label(after), n) for (before, after), n in moves[:_MOVES]]
    say_table(("before", "", "after", "rows that would move"), rows)
    if len(moves) > _MOVES:
        say(f"… and {plural(len(moves) - _MOVES, 'further transition')}")
    actions = action_counts(report)
    say(
        f"{plural(report.settled, 'item')}: {actions[Action.CHANGE]} would move, "
        f"{actions[Action.SAME]} keep their label, {actions[Action.UNCONFIDENT]} stay: not "
        "confident enough"
    )


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.0%})" if whole else "none"
