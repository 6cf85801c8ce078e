"""What must hold of passes and of the lease, whatever their items are."""

from __future__ import annotations

from collections import Counter

from kclassify.core.finding import Invariant
from kclassify.core.invariants.facts import PassFact, RunFacts
from kclassify.core.invariants.found import Found
from kclassify.core.states import RESUMABLE


def check_passes(facts: RunFacts, found: Found) -> None:
    """One worker at a time, and one pass of each mode that can be gone on with."""
    found.checked.add(Invariant.ONE_WORKER)
    modes = Counter(each.mode.value for each in facts.passes if each.status in RESUMABLE)
    for mode, count in modes.items():
        if count > 1:
            message = f"{count} passes of a {mode} can be gone on with: one is the most"
            found.broken(Invariant.ONE_WORKER, message)
    for each in facts.passes:
        _check_version(each, found)
    if facts.strays:
        message = "the audit has writes of a pass that is not there"
        found.broken(Invariant.COMPARE_AND_SET, message, count=facts.strays)
    _check_lease(facts, found)


def _check_version(each: PassFact, found: Found) -> None:
    least = 2 if each.settled else 1
    if not least <= each.version or not 1 <= each.version_at_open <= each.version:
        found.broken(
            Invariant.ONE_WORKER,
            "the fence of a pass did not count up",
            f"pass {each.number}: version {each.version}, opened at {each.version_at_open}",
        )


def _check_lease(facts: RunFacts, found: Found) -> None:
    lease = facts.lease
    if lease.holder is not None and not lease.is_alive:
        message = "the lease was left by a worker that ended or fell silent: the next one takes it"
        found.remark(Invariant.ONE_WORKER, message, repr(lease.holder))
