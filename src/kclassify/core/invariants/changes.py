"""What must hold of the audit: one write of an item in a pass, all of them allowed and settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kclassify.core.finding import Invariant
from kclassify.core.invariants.facts import ChangeFact, OutcomeFact, PassFact, RunFacts
from kclassify.core.invariants.found import Found, spelt, told_label
from kclassify.core.passes import Mode
from kclassify.core.states import RESUMABLE, UNDONE, ChangeStatus, PassStatus

ARRIVED = frozenset({ChangeStatus.WRITTEN, *UNDONE})


@dataclass(slots=True)
class Writes:
    """How many writes reached their rows, and how many of one item in one pass beyond the first."""

    written: int = 0
    written_twice: int = 0


def check_changes(facts: RunFacts, labels: Collection[str] | None, found: Found) -> Writes:
    """The audit of a run, write by write."""
    found.checked |= {Invariant.COMPARE_AND_SET, Invariant.FAIL_CLOSED}
    walk = _Walk(facts, labels, found, Writes(), {each.number: each for each in facts.passes})
    for page in facts.changes():
        walk.check_page(page)
    return walk.writes


def check_rows_changed(facts: RunFacts, changed: Mapping[str, int] | None, found: Found) -> int:
    """Rows that were really changed more often than the audit says; how often beyond the first.

    An external write that arrived before a crash, in a row that another program changed before the
    second try, is in the audit as a conflict, or once.
    """
    if changed is None:
        return 0
    audited: Counter[str] = Counter()
    for page in facts.changes():
        audited.update(each.key for each in page if each.status != ChangeStatus.CONFLICT)
    extra = {key: times - audited[key] for key, times in changed.items() if times > audited[key]}
    for key, times in extra.items():
        message = "rows were changed more often than the audit says"
        said = f"{spelt(key)}: {changed[key]} times, {audited[key]} in the audit"
        found.suspect(Invariant.COMPARE_AND_SET, message, said, times)
    return sum(changed[key] - max(1, audited[key]) for key in extra)


@dataclass(slots=True)
class _Walk:
    _facts: RunFacts
    _labels: Collection[str] | None
    _found: Found
    writes: Writes
    _passes: Mapping[int, PassFact]

    def check_page(self, page: Sequence[ChangeFact]) -> None:
        """A page of the audit, with the outcomes that belong to it."""
        for number in sorted({change.pass_number for change in page}):
            theirs = [change for change in page if change.pass_number == number]
            outcomes = self._facts.outcomes_of(number, [change.key for change in theirs])
            for change in theirs:
                self._check(change, self._passes[number], outcomes.get(change.key))

    def _break(self, message: str, change: ChangeFact, said: str) -> None:
        self._found.broken(Invariant.COMPARE_AND_SET, message, _told(change, said))

    def _check(self, change: ChangeFact, of: PassFact, outcome: OutcomeFact | None) -> None:
        self.writes.written += change.status in ARRIVED
        self._check_identity(change)
        self._check_right(change, of)
        self._check_settled(change, of, outcome)
        if change.before == change.after:
            self._break("writes change nothing", change, told_label(change.after))
        latest = self._facts.passes[-1].fingerprint
        is_known = self._labels is None or change.after in self._labels
        if not is_known and of.fingerprint == latest:
            message = "labels were written that are no active category"
            evidence = _told(change, told_label(change.after))
            self._found.broken(Invariant.NO_LABEL_INVENTED, message, evidence)

    def _check_identity(self, change: ChangeFact) -> None:
        """One name for each write, and names are unique: a second write has another."""
        if change.identity == self._facts.identity(change.pass_number, change.key):
            return
        self.writes.written_twice += change.status in ARRIVED
        message = "writes are in the audit under another name than that of their item and pass"
        self._break(message, change, f"{change.status}, {change.identity!r}")

    def _check_right(self, change: ChangeFact, of: PassFact) -> None:
        if of.mode is not Mode.COMMIT:
            self._break("a dry run wrote", change, change.status)
        if not (of.gate or of.override or "").strip():
            message = "a pass wrote with neither a gate record nor an override"
            self._found.broken(Invariant.FAIL_CLOSED, message, _told(change, change.status))

    def _check_settled(self, change: ChangeFact, of: PassFact, outcome: OutcomeFact | None) -> None:
        is_intent = change.status == ChangeStatus.INTENT
        if is_intent and (of.status is PassStatus.DONE or outcome is not None):
            self._break("settled writes are still on their way in the audit", change, of.status)
        elif is_intent and of.status not in RESUMABLE:
            message = "writes have an unknown fate: the next commit or a rollback finds out"
            self._found.remark(Invariant.COMPARE_AND_SET, message, _told(change, of.status))
        elif outcome is None and of.status is PassStatus.DONE:
            # Its row may have been deleted after the write arrived.
            message = "writes have no outcome in their pass"
            self._found.suspect(Invariant.COMPARE_AND_SET, message, _told(change, change.status))


def _told(change: ChangeFact, said: str) -> str:
    return f"pass {change.pass_number}, {spelt(change.key)}: {said}"
