"""All checks of one run, in one order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kclassify.core.call_seen import CallSeen
from kclassify.core.finding import Verification
from kclassify.core.invariants.facts import RunFacts
from kclassify.core.invariants.found import Found
from kclassify.core.invariants.passes import check_passes
from kclassify.core.item import Item


@dataclass(frozen=True, slots=True)
class World:
    """What is known beside the ledger; None where it is not.

    `items` are the source, as it is now, in pages. `labels` are the active categories. `calls` are
    the provider's log of all calls. `rows_changed` says how often each row (by encoded key) was
    really changed. `alone` says that nobody else writes to the table.
    """

    items: Iterable[Sequence[Item]] | None = None
    labels: Collection[str] | None = None
    calls: Sequence[CallSeen] | None = None
    rows_changed: Mapping[str, int] | None = None
    alone: bool = False
    max_attempts: int = 3


def check_run(facts: RunFacts, world: World) -> Verification:
    """What holds and what does not."""
    found = Found(alone=world.alone)
    check_passes(facts, found)
    return Verification(
        findings=found.findings,
        remarks=found.remarks,
        unchecked=tuple(found.unchecked),
        checked=frozenset(found.checked),
    )
