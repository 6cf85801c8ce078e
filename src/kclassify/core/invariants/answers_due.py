"""How many answers of the provider each item accounts for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kclassify.core.call_seen import DIGITS
from kclassify.core.invariants.facts import OutcomeFact, PassFact, RunFacts
from kclassify.core.verdict import OutcomeKind

_PAID = frozenset(kind for kind in OutcomeKind if kind.is_paid)
_FAILING = frozenset(kind for kind in OutcomeKind if kind.is_failure)


def answers_due(facts: RunFacts) -> Counter[str]:
    """By the mark of an item: one answer for each verdict, and one for each retry of a failure."""
    due: Counter[str] = Counter()
    for fingerprint in sorted({each.fingerprint for each in facts.passes}):
        for digest, count in _Due(facts, fingerprint).count().items():
            due[digest[:DIGITS]] += count
    return due


@dataclass(slots=True)
class _Due:
    """The answers of one classifier. `_failed` holds the kind of failures that may be retried."""

    _facts: RunFacts
    _fingerprint: str
    _asked: Counter[str] = field(default_factory=Counter[str])
    _failed: dict[str, str] = field(default_factory=dict[str, str])

    def count(self) -> Counter[str]:
        for each in self._facts.passes:
            if each.fingerprint == self._fingerprint:
                self._take_in(each)
        recorded = self._facts.verdict_digests({self._fingerprint})
        # What was forgotten is followed by a verdict that no pass has settled yet.
        known = self._facts.verdicts_of(self._fingerprint, self._failed)
        self._asked.update(digest for digest, said in known.items() if said.kind not in _FAILING)
        return self._asked | Counter(recorded)

    def _take_in(self, of: PassFact) -> None:
        fresh: set[str] = set()
        recalled: set[str] = set()
        failed: dict[str, str] = {}
        is_retry = False
        for page in self._facts.outcomes(of.number):
            for outcome in page:
                if outcome.kind not in _PAID:
                    continue
                (recalled if outcome.recalled else fresh).add(outcome.digest)
                is_retry |= self._is_retried(outcome)
                failed[outcome.digest] = outcome.kind
        # An answer of an earlier step is recalled like one of an earlier pass: it is due as well
        # when it was asked for after a retry, of which another item gives evidence.
        self._asked.update(fresh | (recalled & self._failed.keys() if is_retry else set[str]()))
        self._failed |= failed
        self._failed = {each: kind for each, kind in self._failed.items() if kind in _FAILING}

    def _is_retried(self, outcome: OutcomeFact) -> bool:
        before = self._failed.get(outcome.digest)
        return before is not None and (not outcome.recalled or outcome.kind != before)
