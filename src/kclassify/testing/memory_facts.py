"""A run in a memory ledger, checked against the ten invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from kclassify.core.call_seen import CallSeen
from kclassify.core.finding import Verification
from kclassify.core.invariants.check import World, check_run
from kclassify.core.invariants.facts import (
    ChangeFact,
    Ending,
    LeaseFact,
    OutcomeFact,
    PartFact,
    PassFact,
    VerdictFact,
)
from kclassify.core.item import encode_bound, encode_key
from kclassify.core.taxonomy import Taxonomy
from kclassify.store.settlement import Audited, Final, identity_of
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_place import MemoryShard
from kclassify.testing.memory_run import MemoryPass, MemoryRun
from kclassify.testing.memory_table import MemoryTable


def verify_memory(
    ledger: MemoryLedger,
    run: str,
    table: MemoryTable | None = None,
    *,
    taxonomy: Taxonomy[str] | None = None,
    calls: Sequence[CallSeen] | None = None,
    alone: bool = True,
    max_attempts: int = 3,
    max_concurrency: int = 1,
) -> Verification:
    """What `kclassify.verify` does, for a run in memory. Raises `KeyError` for an unknown run.

    Of the `table` it also knows how often each row was really changed. `alone` is False where the
    test relabels, adds or deletes rows itself.
    """
    world = World(
        items=None if table is None else [table.page(None, len(table.labels))],
        begins=_begins(ledger, run, table),
        labels=None if taxonomy is None else frozenset(taxonomy.labels),
        calls=calls,
        rows_changed=None if table is None else _changed(table),
        alone=alone,
        max_attempts=max_attempts,
        max_concurrency=max_concurrency,
    )
    return check_run(MemoryFacts(ledger, run), world)


def _begins(
    ledger: MemoryLedger, run: str, table: MemoryTable | None
) -> dict[tuple[int, int], str]:
    """The first row that there is of each shard."""
    found: dict[tuple[int, int], str] = {}
    shards = [each.opened for row in ledger.runs[run].passes for each in row.shards]
    for opened in shards:
        if table is not None and opened.shard is not None:
            first = table.part(opened.shard.after, opened.shard.until, 1)
            if first:
                found[opened.number, opened.shard.number] = encode_key(first[0].key)
    return found


def _changed(table: MemoryTable) -> dict[str, int]:
    return {encode_key(key): count for key, count in table.written.items()}


class MemoryFacts:
    """Implements `RunFacts` on what a `MemoryLedger` holds."""

    def __init__(self, ledger: MemoryLedger, run: str) -> None:
        self._ledger = ledger
        self._run = ledger.runs[run]
        self._outcomes = {row.opened.number: _outcome_facts(row) for row in self._run.passes}
        self._changes = {name: _change_fact(name, each) for name, each in self._run.audit.items()}
        numbers = [row.opened.number for row in self._run.passes]
        self._prefixes = {number: identity_of(run, number, "") for number in numbers}
        self.passes: Sequence[PassFact] = [_pass_fact(row) for row in self._run.passes]

    @property
    def strays(self) -> int:
        """None: the audit of a run in memory knows no other pass."""
        return 0

    @property
    def lease(self) -> LeaseFact:
        """Who works on it; whoever holds a lease lives."""
        shards = [each for row in self._run.passes for each in row.shards]
        leases: list[MemoryRun | MemoryShard] = [self._run, *shards]
        holder = next((each.holder for each in leases if each.holder is not None), None)
        return LeaseFact(holder, holder is not None, self._run.openings)

    def outcomes(self, number: int) -> Iterator[Sequence[OutcomeFact]]:
        """The outcomes of the pass of this number, in one page."""
        yield list(self._outcomes[number].values())

    def outcomes_of(self, number: int, keys: Collection[str]) -> dict[str, OutcomeFact]:
        """Its outcomes of these items."""
        held = self._outcomes[number]
        return {key: held[key] for key in keys if key in held}

    def verdicts_of(self, fingerprint: str, digests: Collection[str]) -> dict[str, VerdictFact]:
        """What is recorded of these texts."""
        found: dict[str, VerdictFact] = {}
        for digest in digests:
            said = self._ledger.verdicts.get((digest, fingerprint))
            if said is not None:
                label, confidence = (
                    (said.verdict.label, said.verdict.confidence) if said.verdict else (None, None)
                )
                found[digest] = VerdictFact(said.kind, label, confidence)
        return found

    def verdict_digests(self, fingerprints: Collection[str]) -> list[str]:
        """The digests of all that these classifiers said, one for each of them."""
        return [digest for digest, said_by in self._ledger.verdicts if said_by in fingerprints]

    def labels_said(self) -> dict[str, int]:
        """How many verdicts of the latest pass's classifier have each label."""
        latest = self.passes[-1].fingerprint if self.passes else None
        said = (
            outcome.verdict.label
            for (_, said_by), outcome in self._ledger.verdicts.items()
            if said_by == latest and outcome.verdict is not None
        )
        return dict(Counter(said))

    def changes(self) -> Iterator[Sequence[ChangeFact]]:
        """The audit, in the order of its writes, in one page."""
        yield list(self._changes.values())

    def changes_of(self, numbers: Collection[int], keys: Collection[str]) -> list[ChangeFact]:
        """The changes of these items in these passes, pass by pass."""
        wanted = [self.identity(number, key) for number in sorted(numbers) for key in keys]
        return [self._changes[name] for name in wanted if name in self._changes]

    def identity(self, number: int, key: str) -> str:
        """The idempotency key that a write of this item in this pass has."""
        return self._prefixes[number] + key


def _pass_fact(row: MemoryPass) -> PassFact:
    opened, request = row.opened, row.request
    counted: dict[Ending, int] = {
        (kind, action, before, after or None): count
        for (kind, action, before, after), count in row.tallies.items()
    }
    return PassFact(
        number=opened.number,
        mode=opened.mode,
        status=row.status,
        fingerprint=request.fingerprint,
        source=request.source,
        version=opened.version,
        version_at_open=row.version_at_open,
        cursor=encode_bound(opened.cursor),
        settled=row.settled,
        gate=request.gate,
        override=request.override,
        tallies=counted,
        shards=tuple(_part_fact(each) for each in row.shards),
    )


def _part_fact(row: MemoryShard) -> PartFact:
    opened = row.opened
    after, until = (
        (None, None) if opened.shard is None else (opened.shard.after, opened.shard.until)
    )
    return PartFact(
        number=0 if opened.shard is None else opened.shard.number,
        status=row.status,
        version=opened.version,
        version_at_open=row.version_at_open,
        cursor=encode_bound(opened.cursor),
        settled=opened.settled,
        after=None if after is None else encode_key(after),
        until=None if until is None else encode_key(until),
    )


def _outcome_facts(row: MemoryPass) -> dict[str, OutcomeFact]:
    return {key: _outcome_fact(key, final) for key, final in row.outcomes.items()}


def _outcome_fact(key: str, final: Final) -> OutcomeFact:
    outcome = final.settled.outcome
    verdict = outcome.verdict
    return OutcomeFact(
        key,
        final.settled.item_digest,
        final.before,
        outcome.kind,
        None if verdict is None else verdict.label,
        None if verdict is None else verdict.confidence,
        final.action,
        bool(outcome.detail),
        outcome.recalled,
    )


def _change_fact(identity: str, audited: Audited) -> ChangeFact:
    change = audited.change
    number = int(identity.split(":")[1])
    return ChangeFact(
        identity,
        number,
        encode_key(change.key),
        change.before,
        change.after,
        audited.status,
        confidence=change.confidence,
    )
