"""Whether a run kept its promises, from what it left behind in table, ledger and audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kclassify.core.call_seen import CallSeen
from kclassify.core.finding import Verification
from kclassify.core.invariants.check import World, check_run
from kclassify.core.item import decode_bound, encode_key
from kclassify.core.taxonomy import Taxonomy
from kclassify.database import Database
from kclassify.holder import is_alive as holder_is_alive
from kclassify.paging import pages
from kclassify.ports import Divisible, Source
from kclassify.store.evidence import LedgerFacts, Progress, read_facts

PAGE = 500


def _tell_nobody(rows: int) -> None:
    """Nobody waits for the check of a small table."""


def verify(  # noqa: PLR0913  # what is known beside the ledger, by keyword
    database: Database,
    run: str,
    *,
    source: Source | None = None,
    taxonomy: Taxonomy[str] | None = None,
    calls: Sequence[CallSeen] | None = None,
    alone: bool = False,
    max_attempts: int = 3,
    max_concurrency: int = 1,
    is_alive: Callable[[str], bool] = holder_is_alive,
    tell: Callable[[int], None] = _tell_nobody,
) -> Verification:
    """Check a run against the ten invariants; it reads only, page by page.

    `database` is that of the ledger. The more is given, the more is checked: the `source` with its
    labels as they are now, the `taxonomy` of the latest pass, all `calls` of the provider's log.
    With `alone` nobody else writes to the table, and a row that differs is a finding. An item that
    the provider failed is to have been asked `max_attempts` times. With `max_concurrency` as in the
    settings, calls that were answered and not yet recorded when a worker died count as in flight;
    the log alone may show fewer. `tell` is called with how many rows were looked at so far. Raises
    `UsageError` for a run that is not there, and `DatabaseError`.
    """
    progress = Progress(tell)
    with read_facts(database, run, is_alive, progress) as facts:
        world = World(
            items=None if source is None else progress.over(pages(source, PAGE)),
            begins=_begins(facts, source),
            labels=None if taxonomy is None else frozenset(taxonomy.labels),
            calls=calls,
            alone=alone,
            max_attempts=max_attempts,
            max_concurrency=max_concurrency,
        )
        return check_run(facts, world)


def _begins(facts: LedgerFacts, source: Source | None) -> dict[tuple[int, int], str]:
    """The first item that there is of each shard: a bound may be the key of a row that is gone."""
    found: dict[tuple[int, int], str] = {}
    if not isinstance(source, Divisible):
        return found
    for each in facts.passes:
        for part in each.shards:
            first = source.part(decode_bound(part.after), decode_bound(part.until), 1)
            if first:
                found[each.number, part.number] = encode_key(first[0].key)
    return found
