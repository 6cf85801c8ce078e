"""The provider's log of calls against the ledger: what was paid, asked, and asked too often."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kclassify.core.call_seen import DIGITS, CallSeen
from kclassify.core.finding import Invariant
from kclassify.core.invariants.answers_due import answers_due
from kclassify.core.invariants.facts import RunFacts
from kclassify.core.invariants.found import Found, spelt
from kclassify.core.verdict import OutcomeKind

_AVAILABILITY = frozenset(kind for kind in OutcomeKind if kind.is_availability)


@dataclass(frozen=True, slots=True)
class Spent:
    """How many calls there were, and how many were answered beyond one for each verdict."""

    calls: int
    paid_twice: int


def check_calls(
    facts: RunFacts,
    calls: Sequence[CallSeen],
    most: int,
    labels: Collection[str] | None,
    max_attempts: int,
    found: Found,
) -> Spent:
    """What the log of all calls of this run shows, with `most` of them in flight at once."""
    found.checked |= {Invariant.SOME_FAILURES_HALT, Invariant.NOTHING_PAID_TWICE}
    unknown = sum(call.digest is None for call in calls)
    if unknown:
        found.unchecked.append(f"{unknown} calls: which item they asked about cannot be told")
    _check_attempts(facts, calls, max_attempts, found)
    _check_halts(facts, calls, most, found)
    if labels is not None:
        _check_schemas(facts, calls, labels, found)
    return Spent(len(calls), _check_payments(facts, calls, most, found))


def _check_attempts(
    facts: RunFacts, calls: Sequence[CallSeen], max_attempts: int, found: Found
) -> None:
    asked = Counter(call.mark for call in calls if not call.is_reask)
    message = f"items were given up as unanswered before they were asked {max_attempts} times"
    for each in facts.passes:
        for page in facts.outcomes(each.number):
            for outcome in page:
                times = asked[outcome.digest[:DIGITS]]
                if outcome.kind in _AVAILABILITY and times < max_attempts:
                    said = (
                        f"pass {each.number}, {spelt(outcome.key)}: {outcome.kind}, {times} calls"
                    )
                    found.broken(Invariant.OUTAGE_PAUSES, message, said)


def _check_halts(facts: RunFacts, calls: Sequence[CallSeen], most: int, found: Found) -> None:
    """Each opening may call until it is told to halt, and then land what flies already.

    It is told when the answer is sent, which may be long after others that came later had theirs.
    When a worker opened the run again is not in the log: only calls that all openings together
    cannot explain are a fault.
    """
    openings, left, first = 1, most, ""
    told_at = math.inf
    halted = False
    for number, call in enumerate(calls):
        halted = halted or call.at > told_at
        if halted and left == 0:
            openings, halted, told_at = openings + 1, False, math.inf
            first = first or f"call {number} of {len(calls)}, with {most} in flight at most"
        left = left - 1 if halted else most
        if call.halts and call.answered_at is None:
            halted = True
        elif call.halts and call.answered_at is not None and not halted:
            told_at = min(told_at, call.answered_at)
    if openings > facts.lease.openings:
        message = "calls went on after an answer that ends the run"
        found.broken(Invariant.SOME_FAILURES_HALT, message, first)


def _check_schemas(
    facts: RunFacts, calls: Sequence[CallSeen], labels: Collection[str], found: Found
) -> None:
    """Each earlier classifier of the run may have had one list of categories of its own."""
    wanted = frozenset(labels)
    others = {frozenset(call.labels) for call in calls if call.labels} - {wanted}
    earlier = len({each.fingerprint for each in facts.passes}) - 1
    is_of_earlier = 0 < len(others) <= earlier
    open_ended = strange = 0
    for number, call in enumerate(calls):
        if not call.labels:
            open_ended += 1
        elif is_of_earlier:
            strange += frozenset(call.labels) != wanted
        elif frozenset(call.labels) != wanted:
            message = "calls did not ask for exactly the active categories"
            told = ", ".join(sorted(repr(label) for label in wanted ^ frozenset(call.labels)))
            found.broken(Invariant.NO_LABEL_INVENTED, message, f"call {number}: {told}")
    if strange:
        theirs = "an earlier taxonomy may be theirs"
        found.unchecked.append(f"the labels that {strange} calls allowed: {theirs}")
    if open_ended:
        found.unchecked.append(f"the labels that {open_ended} calls allowed: they carry no list")


def _check_payments(facts: RunFacts, calls: Sequence[CallSeen], most: int, found: Found) -> int:
    paid = _paid(calls)
    due = answers_due(facts)
    extra = {mark: count - max(1, due[mark]) for mark, count in paid.items()}
    twice = {mark: count for mark, count in extra.items() if count > 0}
    total = sum(twice.values())
    lost = most * max(0, facts.lease.openings - 1)
    if total > lost:
        message = f"calls were paid twice: {lost} at most may have been in flight at an end"
        for mark, count in twice.items():
            evidence = f"digest {mark}…: {paid[mark]} answers, {due[mark]} recorded"
            found.broken(Invariant.NOTHING_PAID_TWICE, message, evidence, count)
    return total


def _paid(calls: Sequence[CallSeen]) -> Counter[str]:
    """Answered calls by item. A second request of one call counts in the place of the first."""
    paid: Counter[str] = Counter()
    last: dict[str, bool] = {}
    for call in calls:
        if call.is_probe or not call.mark:
            continue
        if call.is_reask and last.get(call.mark):
            paid[call.mark] -= 1
        paid[call.mark] += call.answered
        last[call.mark] = call.answered
    return paid
