"""What must hold of passes and of the lease, whatever their items are."""

from __future__ import annotations

from collections import Counter

from kclassify.core.finding import Invariant
from kclassify.core.invariants.facts import PartFact, PassFact, RunFacts
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
        for part in each.parts:
            _check_version(each, part, found)
    if facts.strays:
        message = "the audit has writes of a pass that is not there"
        found.broken(Invariant.COMPARE_AND_SET, message, count=facts.strays)
    _check_lease(facts, found)


def _check_version(each: PassFact, part: PartFact, found: Found) -> None:
    # A shard begins with what its pass had settled by then.
    least = 2 if part.settled and not part.number else 1
    if not least <= part.version or not 1 <= part.version_at_open <= part.version:
        shard = f", shard {part.number}" if part.number else ""
        found.broken(
            Invariant.ONE_WORKER,
            "the fence of a pass did not count up",
            f"pass {each.number}{shard}: version {part.version}, opened at {part.version_at_open}",
        )


def _check_lease(facts: RunFacts, found: Found) -> None:
    lease = facts.lease
    if lease.holder is not None and not lease.is_alive:
        message = "the lease was left by a worker that ended or fell silent: the next one takes it"
        found.remark(Invariant.ONE_WORKER, message, repr(lease.holder))
