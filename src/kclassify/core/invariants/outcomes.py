"""What must hold of what is recorded of each item, pass by pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from kclassify.core.finding import Invariant
from kclassify.core.invariants.facts import (
    ChangeFact,
    Ending,
    OutcomeFact,
    PartFact,
    PassFact,
    RunFacts,
    VerdictFact,
)
from kclassify.core.invariants.found import Found, spelt, told_label
from kclassify.core.passes import Mode
from kclassify.core.policy import Action
from kclassify.core.states import UNDONE, ChangeStatus, PassStatus
from kclassify.core.verdict import OutcomeKind

FAILING = frozenset(kind for kind in OutcomeKind if kind.is_failure)
ANSWERS = frozenset({OutcomeKind.JUDGED, OutcomeKind.ABSTAINED})
TRIED = frozenset({Action.WRITTEN, Action.CONFLICT})
_OF_JUDGED = frozenset(Action) - {Action.FAILED, Action.ABSTAINED}
_IMPOSSIBLE = {Mode.DRY_RUN: TRIED, Mode.COMMIT: frozenset({Action.CHANGE})}
_ARRIVED = frozenset({ChangeStatus.WRITTEN, *UNDONE})


def check_outcomes(facts: RunFacts, labels: Collection[str] | None, found: Found) -> None:
    """Reasons, verdicts, actions and counts of all outcomes of all passes."""
    found.checked |= {
        Invariant.OUTAGE_PAUSES,
        Invariant.ITEM_FAILURES_PASS_BY,
        Invariant.NOTHING_PAID_TWICE,
        Invariant.COMMIT_APPLIES_THE_DRY_RUN,
        Invariant.COMPARE_AND_SET,
    }
    latest = facts.passes[-1].fingerprint if facts.passes else None
    for each in facts.passes:
        theirs = labels if each.fingerprint == latest else None
        _PassCheck(facts, each, dry_run_before(facts.passes, each), theirs, found).check()


def dry_run_before(passes: Sequence[PassFact], commit: PassFact) -> PassFact | None:
    """The finished dry run of the same classifier that a commit applies."""
    if commit.mode is not Mode.COMMIT:
        return None
    for each in reversed(passes):
        is_finished = each.mode is Mode.DRY_RUN and each.status is PassStatus.DONE
        if each.number < commit.number and is_finished and each.fingerprint == commit.fingerprint:
            return each
    return None


@dataclass(slots=True)
class _PassCheck:
    _facts: RunFacts
    _pass: PassFact
    _dry_run: PassFact | None
    _labels: Collection[str] | None
    _found: Found
    _endings: Counter[Ending] = field(default_factory=Counter[Ending])

    def check(self) -> None:
        """Page by page, then the sums."""
        for page in self._facts.outcomes(self._pass.number):
            self._check_page(page)
        self._check_sums()

    def _check_page(self, page: Sequence[OutcomeFact]) -> None:
        facts, this = self._facts, self._pass
        keys = [each.key for each in page]
        digests = {each.digest for each in page if each.kind in ANSWERS}
        verdicts = facts.verdicts_of(this.fingerprint, digests)
        wrote = facts.changes_of((this.number,), keys) if this.mode is Mode.COMMIT else ()
        changes = {change.key: change for change in wrote}
        shown: Mapping[str, OutcomeFact] = {}
        if self._dry_run is not None:
            shown = facts.outcomes_of(self._dry_run.number, keys)
        for each in page:
            self._check_kind(each)
            self._check_verdict(each, verdicts.get(each.digest))
            change = changes.get(each.key)
            self._check_action(each, change)
            self._check_dry_run(each, shown.get(each.key))
            after = each.label if change is None else change.after
            self._endings[each.kind, each.action, each.current, after] += 1

    def _break(self, invariant: Invariant, message: str, each: OutcomeFact, said: str) -> None:
        evidence = f"pass {self._pass.number}, {spelt(each.key)}: {said}"
        self._found.broken(invariant, message, evidence)

    def _check_kind(self, each: OutcomeFact) -> None:
        if each.kind in FAILING:
            if not each.has_reason:
                message = "failures are recorded without a reason"
                self._break(Invariant.ITEM_FAILURES_PASS_BY, message, each, each.kind)
            if each.action != Action.FAILED and each.action not in TRIED:
                message = "failed items were not left as they were"
                self._break(Invariant.ITEM_FAILURES_PASS_BY, message, each, each.action)
        elif each.kind not in ANSWERS:
            message = "outcomes are of no known kind"
            self._break(Invariant.ITEM_FAILURES_PASS_BY, message, each, repr(each.kind))
        if (each.label is not None) != (each.kind == OutcomeKind.JUDGED):
            message = "only a judged item has a label, and each of them"
            said = f"{each.kind}, {told_label(each.label)}"
            self._break(Invariant.NO_LABEL_INVENTED, message, each, said)
        if self._labels is not None and each.label is not None and each.label not in self._labels:
            message = "outcomes have labels that are no active category"
            self._break(Invariant.NO_LABEL_INVENTED, message, each, told_label(each.label))

    def _check_verdict(self, each: OutcomeFact, recorded: VerdictFact | None) -> None:
        if each.kind not in ANSWERS:
            return
        if recorded is None:
            message = "paid outcomes are not among the verdicts: the next pass pays them again"
            self._break(Invariant.NOTHING_PAID_TWICE, message, each, each.kind)
        elif (each.kind, each.label, each.confidence) != (
            recorded.kind,
            recorded.label,
            recorded.confidence,
        ):
            message = "outcomes differ from the verdict of the same text"
            said = f"{told_label(each.label)}, and the verdict is {told_label(recorded.label)}"
            self._break(Invariant.NOTHING_PAID_TWICE, message, each, said)

    def _check_action(self, each: OutcomeFact, change: ChangeFact | None) -> None:
        if each.kind == OutcomeKind.JUDGED:
            is_right = each.action in _OF_JUDGED
            is_right &= (each.action == Action.SAME) <= (each.label == each.current)
        else:
            usual = Action.ABSTAINED if each.kind == OutcomeKind.ABSTAINED else Action.FAILED
            is_right = each.action == usual or each.action in TRIED
        if not is_right or each.action in _IMPOSSIBLE[self._pass.mode]:
            message = "what became of items does not follow from their outcomes"
            said = f"{each.kind}, {told_label(each.current)} to {told_label(each.label)}"
            self._break(Invariant.COMPARE_AND_SET, message, each, f"{said}: {each.action}")
        if each.action in TRIED:
            self._check_tried(each, change)
        elif change is not None:
            self._check_untried(each, change)

    def _check_tried(self, each: OutcomeFact, change: ChangeFact | None) -> None:
        if change is None:
            message = "writes are not in the audit: they cannot be rolled back"
            self._break(Invariant.COMPARE_AND_SET, message, each, each.action)
            return
        wanted = _ARRIVED if each.action == Action.WRITTEN else {ChangeStatus.CONFLICT}
        if change.status not in wanted:
            self._check_late(each, change)
        if change.before != each.current:
            message = "writes do not replace the label that was read"
            said = f"{told_label(each.current)} was read, {told_label(change.before)} replaced"
            self._break(Invariant.COMPARE_AND_SET, message, each, said)
        if (change.after, change.confidence) != (each.label, each.confidence):
            message = "writes are not what the outcome says; a text changed before a second try?"
            said = f"{told_label(change.after)} was written, {told_label(each.label)} was meant"
            if change.after == each.label:
                said = (
                    f"{told_label(each.label)} at {change.confidence} instead of {each.confidence}"
                )
            self._found.suspect(
                Invariant.COMPARE_AND_SET,
                message,
                f"pass {self._pass.number}, {spelt(each.key)}: {said}",
            )

    def _check_late(self, each: OutcomeFact, change: ChangeFact) -> None:
        if each.action == Action.CONFLICT and change.status in _ARRIVED:
            message = "writes of a worker that had lost the run arrived late"
            evidence = f"pass {self._pass.number}, {spelt(each.key)}: {change.status}"
            self._found.remark(Invariant.COMPARE_AND_SET, message, evidence)
            return
        message = "outcome and audit differ on what became of writes"
        said = f"{each.action}, and {change.status} in the audit"
        self._break(Invariant.COMPARE_AND_SET, message, each, said)

    def _check_untried(self, each: OutcomeFact, change: ChangeFact) -> None:
        said = f"{each.action}, and {change.status} in the audit"
        if each.kind in FAILING:
            message = "rows of failed items were written"
            self._break(Invariant.ITEM_FAILURES_PASS_BY, message, each, said)
        else:
            message = "the audit has writes of items that were to be left"
            self._break(Invariant.COMPARE_AND_SET, message, each, said)

    def _check_dry_run(self, each: OutcomeFact, shown: OutcomeFact | None) -> None:
        if shown is None or shown.kind not in ANSWERS or shown.digest != each.digest:
            return
        if (each.kind, each.label, each.confidence) != (shown.kind, shown.label, shown.confidence):
            message = "the commit applies other verdicts than the dry run showed"
            said = f"{told_label(shown.label)} was shown, {told_label(each.label)} applied"
            self._break(Invariant.COMMIT_APPLIES_THE_DRY_RUN, message, each, said)
        elif not each.recalled:
            message = "the commit asked again for what the dry run had settled"
            self._break(Invariant.COMMIT_APPLIES_THE_DRY_RUN, message, each, each.kind)

    def _check_sums(self) -> None:
        this = self._pass
        counted = sum(self._endings.values())
        if this.settled != counted:
            said = f"pass {this.number}: {this.settled} counted, {counted} outcomes"
            message = "the number of settled items is not that of the outcomes"
            self._found.broken(Invariant.OUTAGE_PAUSES, message, said)
        if self._endings != Counter(this.tallies):
            message = "the tallies of a pass are not those of its outcomes"
            self._found.broken(Invariant.OUTAGE_PAUSES, message, self._told_tallies())
        for part in this.parts:
            self._check_cursor(part)

    def _told_tallies(self) -> str:
        for ending in sorted({*self._endings, *self._pass.tallies}, key=_in_order):
            counted, tallied = self._endings[ending], self._pass.tallies.get(ending, 0)
            if counted != tallied:
                kind, action, before, after = ending
                labels = f"{told_label(before)} to {told_label(after)}"
                told = f"{kind}, {action}, {labels}: {tallied} tallied, {counted} outcomes"
                return f"pass {self._pass.number}, {told}"
        return f"pass {self._pass.number}"

    def _check_cursor(self, part: PartFact) -> None:
        cursor, counted = part.cursor, part.settled
        if not part.number:
            counted = sum(self._endings.values())
        if (cursor is None) != (counted == 0):
            said = f"{counted} outcomes, cursor {'unset' if cursor is None else spelt(cursor)}"
        elif cursor is not None and not self._facts.outcomes_of(self._pass.number, [cursor]):
            said = f"{spelt(cursor)} has no outcome"
        else:
            return
        message = "the cursor is not at the last settled item"
        where = f"pass {self._pass.number}" + (f", shard {part.number}" if part.number else "")
        self._found.broken(Invariant.OUTAGE_PAUSES, message, f"{where}: {said}")


def _in_order(ending: Ending) -> list[str]:
    return [str(part) for part in ending]
