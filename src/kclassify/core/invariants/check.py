"""All checks of one run, in one order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kclassify.core.call_seen import CallSeen
from kclassify.core.finding import Invariant, Verification
from kclassify.core.invariants.calls import Spent, check_calls
from kclassify.core.invariants.changes import check_changes, check_rows_changed
from kclassify.core.invariants.facts import RunFacts
from kclassify.core.invariants.found import Found, told_label
from kclassify.core.invariants.outcomes import check_outcomes
from kclassify.core.invariants.passes import check_passes
from kclassify.core.invariants.rows import Begins, Rows, check_rows
from kclassify.core.item import Item


@dataclass(frozen=True, slots=True)
class World:
    """What is known beside the ledger; None where it is not.

    `items` are the source, as it is now, in pages; `begins` the first of them of each shard.
    `labels` are the active categories that the latest pass chose from. `calls` are the provider's
    log of all calls. `rows_changed` says how often each row (by encoded key) was really changed.
    `alone` says that nobody else writes to the table. `max_concurrency` are the calls that a worker
    may have under way at once, those included that are answered and not recorded yet; the log alone
    may show fewer.
    """

    items: Iterable[Sequence[Item]] | None = None
    begins: Begins = field(default_factory=dict[tuple[int, int], str])
    labels: Collection[str] | None = None
    calls: Sequence[CallSeen] | None = None
    rows_changed: Mapping[str, int] | None = None
    alone: bool = False
    max_attempts: int = 3
    max_concurrency: int = 1


def check_run(facts: RunFacts, world: World) -> Verification:
    """What holds and what does not."""
    found = Found(alone=world.alone)
    check_passes(facts, found)
    check_outcomes(facts, world.labels, found)
    writes = check_changes(facts, world.labels, found)
    twice = writes.written_twice + check_rows_changed(facts, world.rows_changed, found)
    rows = _check_rows(facts, world, found)
    spent = _check_calls(facts, world, found)
    _check_labels(facts, world, found)
    return Verification(
        findings=found.findings,
        remarks=found.remarks,
        unchecked=tuple(found.unchecked),
        items=rows.items,
        lost=rows.lost,
        behind_the_end=rows.behind_the_end,
        written=writes.written,
        written_twice=twice,
        calls=None if spent is None else spent.calls,
        paid_twice=None if spent is None else spent.paid_twice,
        checked=frozenset(found.checked),
    )


def _check_rows(facts: RunFacts, world: World, found: Found) -> Rows:
    if world.items is None:
        found.unchecked.append("the table: whether an item is missing, and what each row holds")
        return Rows(items=facts.passes[-1].settled if facts.passes else 0)
    return check_rows(facts, world.items, found, world.begins, every_pass=world.alone)


def _check_calls(facts: RunFacts, world: World, found: Found) -> Spent | None:
    if world.calls is None:
        found.unchecked.append("the calls: what was paid twice, and whether a halt ended them")
        return None
    seen = max((call.in_flight for call in world.calls), default=0)
    most = max(seen, world.max_concurrency)
    return check_calls(facts, world.calls, most, world.labels, world.max_attempts, found)


def _check_labels(facts: RunFacts, world: World, found: Found) -> None:
    if world.labels is None:
        found.unchecked.append("the labels: whether each is an active category of the taxonomy")
        return
    found.checked.add(Invariant.NO_LABEL_INVENTED)
    for label, count in facts.labels_said().items():
        if label not in world.labels:
            message = "verdicts have labels that are no active category"
            evidence = f"{told_label(label)}, {count} verdicts"
            found.broken(Invariant.NO_LABEL_INVENTED, message, evidence, count)
