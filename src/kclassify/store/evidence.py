"""A run in the ledger's tables, as the facts that a check looks at."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Row, func, select

from kclassify.core.invariants.facts import (
    ChangeFact,
    Ending,
    LeaseFact,
    OutcomeFact,
    PartFact,
    PassFact,
    VerdictFact,
)
from kclassify.core.passes import Mode
from kclassify.core.states import PassStatus
from kclassify.database import Database
from kclassify.row_sets import among
from kclassify.store import runs
from kclassify.store.migrations import migrate, schema_version
from kclassify.store.passes import whole_passes
from kclassify.store.settlement import identity_of
from kclassify.store.shards import shards_of
from kclassify.store.tables import changes, outcomes, passes, shards, tallies, verdicts
from kclassify.store.verdicts import in_chunks

PAGE = 1000


T = TypeVar("T")


@dataclass(slots=True)
class Progress:
    """Counts the rows that were looked at, for somebody who waits."""

    _tell: Callable[[int], None]
    _rows: int = 0

    def over(self, pages: Iterable[Sequence[T]]) -> Iterator[Sequence[T]]:
        """The same pages, each counted once it was looked at."""
        for page in pages:
            yield page
            self._rows += len(page)
            self._tell(self._rows)


@contextmanager
def read_facts(
    database: Database, run: str, is_alive: Callable[[str], bool], progress: Progress
) -> Generator[LedgerFacts]:
    """The facts of a run, all of one moment. Raises `UsageError` when it is not there."""
    with database.connect() as connection:
        found = schema_version(connection)
    if found is None:
        raise runs.no_such_run(run, [])
    migrate(database)
    with database.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        row = runs.find(connection, run)
        yield LedgerFacts(connection, row, is_alive, progress)


@dataclass(slots=True)
class LedgerFacts:
    """Implements `RunFacts` on one connection, which sees the ledger as it was when it began."""

    _connection: Connection
    _run: Row[Any]
    _is_alive: Callable[[str], bool]
    _progress: Progress
    passes: Sequence[PassFact] = ()
    _ids: dict[int, int] = field(default_factory=dict[int, int])
    _prefixes: dict[int, str] = field(default_factory=dict[int, str])

    def __post_init__(self) -> None:
        query = whole_passes().where(passes.c.run_id == self._run.id).order_by(passes.c.number)
        rows = self._connection.execute(query).all()
        self._ids = {row.number: row.id for row in rows}
        self._prefixes = {row.number: identity_of(self._run.name, row.number, "") for row in rows}
        self.passes = [_pass_fact(row, self._tallies(row.id), self._shards(row)) for row in rows]

    @property
    def strays(self) -> int:
        """How many rows of the audit name a pass of this run that is not there."""
        query = select(func.count()).select_from(changes).where(changes.c.run_id == self._run.id)
        stray = changes.c.pass_id.not_in(list(self._ids.values()))
        return self._connection.execute(query.where(stray)).scalar_one()

    @property
    def lease(self) -> LeaseFact:
        """Who works on it; one that is silent for longer than its lease does not."""
        held = [(self._run.lease_holder, self._run.lease_expires_at)]
        query = select(shards.c.lease_holder, shards.c.lease_expires_at).where(
            shards.c.pass_id.in_(list(self._ids.values())), shards.c.lease_holder.is_not(None)
        )
        held += [(row[0], row[1]) for row in self._connection.execute(query)]
        leases = [
            LeaseFact(holder, self._lives(holder, expires_at), self._run.lease_number)
            for holder, expires_at in held
        ]
        return max(leases, key=lambda lease: (lease.is_alive, lease.holder is not None))

    def _lives(self, holder: str | None, expires_at: float) -> bool:
        return holder is not None and expires_at > time.time() and self._is_alive(holder)

    def _shards(self, row: Row[Any]) -> tuple[PartFact, ...]:
        rows = shards_of(self._connection, row.id) if row.parts else ()
        return tuple(
            PartFact(
                number=each.number,
                status=PassStatus(each.status),
                version=each.version,
                version_at_open=each.version_at_open,
                cursor=each.cursor,
                settled=each.settled,
                after=each.after,
                until=each.until,
            )
            for each in rows
        )

    def _tallies(self, pass_id: int) -> Counter[Ending]:
        rows = self._connection.execute(select(tallies).where(tallies.c.pass_id == pass_id))
        counted: Counter[Ending] = Counter()
        for row in rows:
            before = row.before if row.labelled else None
            counted[row.kind, row.action, before, row.after or None] += row[-1]
        return counted

    def outcomes(self, number: int) -> Iterator[Sequence[OutcomeFact]]:
        """The outcomes of the pass of this number, in pages by key."""
        return self._progress.over(self._outcome_pages(number))

    def _outcome_pages(self, number: int) -> Iterator[Sequence[OutcomeFact]]:
        query = _OUTCOMES.where(outcomes.c.pass_id == self._ids[number])
        query = query.order_by(outcomes.c.item_key).limit(PAGE)
        page = self._outcomes(query)
        while page:
            yield page
            page = self._outcomes(query.where(outcomes.c.item_key > page[-1].key))

    def outcomes_of(self, number: int, keys: Collection[str]) -> dict[str, OutcomeFact]:
        """Its outcomes of these items."""
        query = _OUTCOMES.where(outcomes.c.pass_id == self._ids[number])
        found: dict[str, OutcomeFact] = {}
        for chunk in in_chunks(keys):
            page = self._outcomes(query.where(among(self._connection, outcomes.c.item_key, chunk)))
            found.update((fact.key, fact) for fact in page)
        return found

    def _outcomes(self, query: Executable) -> list[OutcomeFact]:
        rows: Sequence[Sequence[Any]] = self._connection.execute(query).all()
        return [OutcomeFact(*row) for row in rows]

    def verdicts_of(self, fingerprint: str, digests: Collection[str]) -> dict[str, VerdictFact]:
        """What is recorded of these texts."""
        v = verdicts.c
        query = select(v.item_digest, v.kind, v.label, v.confidence)
        query = query.where(v.fingerprint == fingerprint)
        found: dict[str, VerdictFact] = {}
        for chunk in in_chunks(digests):
            rows = self._connection.execute(
                query.where(among(self._connection, v.item_digest, chunk))
            ).all()
            found.update((row[0], VerdictFact(row[1], row[2], row[3])) for row in rows)
        return found

    def verdict_digests(self, fingerprints: Collection[str]) -> Iterator[str]:
        """The digests of all that these classifiers said, one for each of them."""
        query = select(verdicts.c.item_digest).where(
            verdicts.c.fingerprint.in_(sorted(fingerprints))
        )
        yield from self._connection.scalars(query.execution_options(yield_per=PAGE))

    def labels_said(self) -> dict[str, int]:
        """How many verdicts of the latest pass's classifier have each label."""
        if not self.passes:
            return {}
        v = verdicts.c
        query = select(v.label, func.count()).where(
            v.fingerprint == self.passes[-1].fingerprint, v.label.is_not(None)
        )
        rows = self._connection.execute(query.group_by(v.label))
        return {row[0]: row[1] for row in rows}

    def changes(self) -> Iterator[Sequence[ChangeFact]]:
        """The audit, in the order of its writes, in pages."""
        return self._progress.over(self._change_pages())

    def _change_pages(self) -> Iterator[Sequence[ChangeFact]]:
        query = _CHANGES.where(changes.c.run_id == self._run.id).order_by(changes.c.id).limit(PAGE)
        rows = self._connection.execute(query).all()
        while rows:
            yield _change_facts(rows)
            rows = self._connection.execute(query.where(changes.c.id > rows[-1].id)).all()

    def changes_of(self, numbers: Collection[int], keys: Collection[str]) -> list[ChangeFact]:
        """The changes of these items in these passes, in the order of their writes."""
        wanted = [self.identity(number, key) for number in numbers for key in keys]
        rows: list[Sequence[Any]] = []
        for chunk in in_chunks(wanted):
            query = _CHANGES.where(among(self._connection, changes.c.idempotency_key, chunk))
            rows += self._connection.execute(query).all()
        return _change_facts(sorted(rows, key=_number_of))

    def identity(self, number: int, key: str) -> str:
        """The idempotency key that a write of this item in this pass has."""
        return self._prefixes[number] + key


_OUTCOMES = select(
    outcomes.c.item_key,
    outcomes.c.item_digest,
    outcomes.c.current,
    outcomes.c.kind,
    outcomes.c.label,
    outcomes.c.confidence,
    outcomes.c.action,
    (outcomes.c.detail != "").label("has_reason"),
    outcomes.c.recalled,
)
_CHANGES = select(
    changes.c.id,
    changes.c.idempotency_key,
    passes.c.number,
    changes.c.item_key,
    changes.c.before,
    changes.c.after,
    changes.c.status,
    changes.c.reverted_at,
    changes.c.confidence,
).join(passes, passes.c.id == changes.c.pass_id)


def _pass_fact(row: Row[Any], counted: Counter[Ending], parts: Sequence[PartFact]) -> PassFact:
    return PassFact(
        number=row.number,
        mode=Mode(row.mode),
        status=PassStatus(row.status),
        fingerprint=row.fingerprint,
        source=row.source,
        version=row.version,
        version_at_open=row.version_at_open,
        cursor=row.cursor,
        settled=row.settled,
        gate=row.gate,
        override=row.override,
        tallies=counted,
        shards=parts,
    )


def _number_of(row: Sequence[Any]) -> int:
    return int(row[0])


def _change_facts(rows: Iterable[Sequence[Any]]) -> list[ChangeFact]:
    return [ChangeFact(*row[1:]) for row in rows]
