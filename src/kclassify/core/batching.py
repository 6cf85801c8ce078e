"""The rules of batches: what a result means for its item, and what a batch says of its provider."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from kclassify.core.batch import Answer, Batch, BatchResult, BatchStatus, ResultKind, Tried
from kclassify.core.decision import Halt, Snooze
from kclassify.core.policy import RunPolicy
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.core.window import PROBE

NOTHING_MET = Tried()
_A_MINUTE, _AN_HOUR = 60, 3600


@dataclass(slots=True)
class Turnout:
    """How the requests of one batch ended, as far as its results are read.

    `answered` were billed, `failed` the provider did not attend to, `canceled` were ended by
    people; `is_probed` says that the probe was answered, which is among `answered`. `unanswered` is
    the last that failed, `rejection` the last that the provider refused, `halt` why it refuses all.
    """

    results: int = 0
    answered: int = 0
    failed: int = 0
    canceled: int = 0
    is_probed: bool = False
    unanswered: Outcome[str] | None = None
    rejection: Outcome[str] | None = None
    halt: Halt | None = None

    def add(self, result: BatchResult) -> None:
        """Count a result."""
        outcome = result.outcome
        self.results += 1
        if isinstance(outcome, Halt):
            self.halt = self.halt or outcome
        elif is_answer(result):
            self.answered += 1
            self.is_probed |= result.digest == PROBE.digest
        elif result.kind is ResultKind.CANCELED:
            self.canceled += 1
        elif outcome.kind.is_availability:
            self.failed += 1
            self.unanswered = outcome
        else:
            self.rejection = outcome

    def is_clear(self, below: float) -> bool:
        """Whether a request that failed says more of its item than of the provider.

        Hardly any other of many failed; or it was left among those that fail each time, and the
        probe beside them was answered.
        """
        failed = self.failed - 1
        others = self.answered + failed
        is_many = others * below >= 1
        return (is_many and failed < below * others) or (self.is_probed and self.answered == 1)


def is_answer(result: BatchResult) -> bool:
    """Whether the provider answered and bills, whatever it said."""
    return isinstance(result.outcome, Outcome) and result.outcome.kind.is_paid


@dataclass(frozen=True, slots=True)
class ResultRules:
    """What to make of the results of a batch.

    `max_attempts` tries that count end an item; one that was not answered counts where less than
    `clear_below` of the others failed. `few` rejections tell nothing of the others where
    `was_answered` says that the classifier was answered in this run before.
    """

    max_attempts: int = 3
    clear_below: float = 0.1
    few: int = 3
    was_answered: bool = False

    @classmethod
    def of(cls, policy: RunPolicy, *, was_answered: bool) -> ResultRules:
        """As the policy of the run has it."""
        retry = policy.retry
        return cls(retry.max_attempts, retry.clear_below, policy.doubts, was_answered)

    def answer(self, result: BatchResult, before: Tried, turnout: Turnout) -> Answer:
        """What a result means for its item, which met `before` until then.

        A first reply that cannot be used is asked for once more. A request that was not answered is
        an attempt of its item only in clear air: a batch of which a third expires is asked again. A
        probe is no item.
        """
        outcome = _completed(result, before)
        if isinstance(outcome, Outcome) and result.digest == PROBE.digest:
            return Answer(result.digest, outcome, is_final=False, counts=False)
        if isinstance(outcome, Halt):
            told = Outcome[str](OutcomeKind.UNAVAILABLE, detail=outcome.reason)
            return Answer(result.digest, told, is_final=False, counts=False)
        counts = self._counts(result, outcome, turnout)
        is_last = counts and before.attempts + 1 >= self.max_attempts
        is_final = is_last or self._is_settled(outcome, before, turnout)
        return Answer(result.digest, outcome, is_final=is_final, counts=counts)

    def _counts(self, result: BatchResult, outcome: Outcome[str], turnout: Turnout) -> bool:
        if result.kind is ResultKind.CANCELED:
            return False
        return not outcome.kind.is_availability or turnout.is_clear(self.clear_below)

    def _is_settled(self, outcome: Outcome[str], before: Tried, turnout: Turnout) -> bool:
        if outcome.kind is OutcomeKind.INVALID:
            return before.kind is OutcomeKind.INVALID
        if outcome.kind is OutcomeKind.REJECTED:
            return self._is_own(turnout)
        return not outcome.kind.is_availability

    def _is_own(self, turnout: Turnout) -> bool:
        """Whether a rejection says more of its item than of all requests."""
        return turnout.answered > 0 or (self.was_answered and turnout.results <= self.few)

    def end(self, turnout: Turnout) -> Outcome[str] | Halt | None:
        """What a batch whose results are all read says of its provider; an outcome: it is away."""
        if turnout.halt is not None:
            return turnout.halt
        if turnout.answered or turnout.canceled:
            return None
        if turnout.unanswered is not None or not turnout.results:
            nothing = Outcome[str](OutcomeKind.UNAVAILABLE, detail="a batch without a result")
            return turnout.unanswered or nothing
        rejection = turnout.rejection
        if rejection is None or rejection.kind is OutcomeKind.TOO_LONG or self._is_own(turnout):
            return None
        return Halt(f"every request is rejected: {rejection.detail}")


def _completed(result: BatchResult, before: Tried) -> Outcome[str] | Halt:
    """The outcome, with what is known of its request.

    An answer that tells of no tokens may be on the bill, for as much as it can cost at most.
    """
    outcome = result.outcome
    if not isinstance(outcome, Outcome):
        return outcome
    outcome = replace(outcome, body_chars_cut=before.body_chars_cut)
    is_metered = outcome.usage != Usage() or outcome.uncertain != 0
    if result.kind is not ResultKind.SUCCEEDED or is_metered:
        return outcome
    return replace(outcome, uncertain=before.worst or 0)


def settled_without_verdict(tried: Tried) -> Outcome[str] | None:
    """What an item ends with that has no verdict and is not asked again; None where it is."""
    if not tried.is_final or tried.kind is None or tried.kind is OutcomeKind.JUDGED:
        return None
    return Outcome(tried.kind, detail=tried.detail, body_chars_cut=tried.body_chars_cut)


def is_to_be_asked(tried: Tried) -> bool:
    """Whether an item without a verdict belongs into the next batch."""
    return not (tried.in_flight or tried.is_final)


def has_failed(tried: Tried) -> bool:
    """Whether an item's last request had no answer: others must tell whose fault that was."""
    return tried.kind is not None and not tried.kind.is_paid


def is_to_be_polled(batch: Batch, now: float, poll_s: float) -> bool:
    """Whether a batch that the provider has is to be asked after."""
    return batch.status is BatchStatus.SENT and _due_in(batch, now, poll_s) <= 0


def _due_in(batch: Batch, now: float, poll_s: float) -> float:
    if batch.polled_at is None:
        return 0.0
    # However the clock was set since, no batch waits longer than between two polls.
    return min(batch.polled_at + poll_s - now, poll_s)


def waits_for(batches: tuple[Batch, ...], now: float, poll_s: float) -> Snooze | None:
    """Until the first of these batches is to be asked after again; None where none is in flight."""
    sent = [batch for batch in batches if batch.status is BatchStatus.SENT]
    if not sent:
        return None
    first = min(sent, key=lambda batch: _due_in(batch, now, poll_s))
    seconds = max(1, math.ceil(_due_in(first, now, poll_s)))
    age = _told(max(0.0, now - first.intended_at))
    asked = "1 request" if first.requests == 1 else f"{first.requests:,} requests"
    more = f", and {len(sent) - 1} more" if len(sent) > 1 else ""
    return Snooze(seconds, f"batch {first.remote_id} is in progress: {asked}, sent {age} ago{more}")


def _told(seconds: float) -> str:
    if seconds < _A_MINUTE:
        return f"{seconds:.0f} s"
    minutes = seconds < _AN_HOUR
    return f"{seconds / _A_MINUTE:.0f} min" if minutes else f"{seconds / _AN_HOUR:.1f} h"
