"""The write transaction of a run: fence, writes, audit, outcomes, tallies, verdicts and cursor.

A writer of the ledger's own database takes part in the one transaction. Any other is asked between
two: the first stores what is about to be written, the second what became of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from kclassify.core.decision import Superseded
from kclassify.core.item import encode_key
from kclassify.core.policy import Action
from kclassify.database import Database
from kclassify.errors import SourceError
from kclassify.ports import (
    Checkpoint,
    Mode,
    OnCommit,
    Pass,
    Receipt,
    Recorded,
    Write,
    Writer,
)
from kclassify.store import audit, breakers, passes, runs, steps, verdicts
from kclassify.store.insert import add_counts, insert_rows
from kclassify.store.places import run_id_of, shard_number
from kclassify.store.settlement import (
    Audited,
    Final,
    Transition,
    finals,
    idempotency_keys,
    met_twice,
    moved,
    plan_writes,
    statuses,
    transition,
)
from kclassify.store.suspects import replace_suspects
from kclassify.store.tables import outcomes, tallies
from kclassify.store.text import storable

Result = tuple[Write, Receipt]


@dataclass(frozen=True, slots=True)
class CheckpointWork:
    """One checkpoint and all that it needs."""

    database: Database
    opened: Pass
    fingerprint: str
    checkpoint: Checkpoint
    writer: Writer | None
    now: float
    on_commit: OnCommit | None

    def execute(self) -> Recorded | Superseded:
        """Do it. Raises what the writer and `on_commit` raise, and then nothing is stored."""
        identities = idempotency_keys(self.opened, self.checkpoint.settled)
        with self.database.begin() as connection:
            held = self._move(connection, self.opened)
            if held is None:
                return superseded(connection, self.opened)
            audited = self._audited(connection, identities)
            writes = plan_writes(held, self.checkpoint.settled, identities, audited)
            if not writes or self._shares_transaction:
                results = self._apply(writes, connection)
                self._audit(connection, results)
                items = self._finals(identities, audited, results)
                return self._finish(connection, held, items)
            self._intend(connection, writes)
        return self._execute_apart(held, writes, identities, audited)

    def _execute_apart(
        self,
        held: Pass,
        writes: Sequence[Write],
        identities: Sequence[str],
        audited: Mapping[str, Audited],
    ) -> Recorded | Superseded:
        with self.database.connect() as connection:
            if not passes.holds_fence(connection, held):
                return superseded(connection, self.opened)
        results = self._apply(writes, None)
        with self.database.begin() as connection:
            held_still = self._move(connection, held)
            if held_still is None:
                audit.resolve_late(connection, held, results, self.now)
                return superseded(connection, self.opened)
            audit.resolve_intents(connection, results, self.now)
            items = self._finals(identities, audited, results)
            return self._finish(connection, held_still, items)

    def _move(self, connection: Connection, opened: Pass) -> Pass | None:
        if self.on_commit is not None and opened.shard is None:
            # It ends with the lease, and a run is locked before its passes: no deadlock.
            runs.lock(connection, opened.run)
        return passes.move(connection, opened)

    @property
    def _shares_transaction(self) -> bool:
        return self.writer is not None and self.writer.database == self.database.identity

    def _audited(self, connection: Connection, identities: Sequence[str]) -> dict[str, Audited]:
        is_even = self._shares_transaction and not self.opened.has_stray_changes
        if is_even or self.opened.mode is Mode.DRY_RUN:
            return {}
        return audit.known(connection, identities)

    def _apply(self, writes: Sequence[Write], connection: Connection | None) -> list[Result]:
        if not writes or self.writer is None:
            return []
        return list(zip(writes, self.writer.apply(writes, connection), strict=True))

    def _intend(self, connection: Connection, writes: Sequence[Write]) -> None:
        fresh = [write for write in writes if not write.redo]
        run_id = run_id_of(connection, self.opened)
        audit.add_intents(connection, self.opened, run_id, fresh, self.now)

    def _audit(self, connection: Connection, results: Sequence[Result]) -> None:
        if results:
            run_id = run_id_of(connection, self.opened)
            fresh = [result for result in results if not result[0].redo]
            again = [result for result in results if result[0].redo]
            audit.add_results(connection, self.opened, run_id, fresh, self.now)
            audit.resolve_intents(connection, again, self.now)

    def _finals(
        self,
        identities: Sequence[str],
        audited: Mapping[str, Audited],
        results: Sequence[Result],
    ) -> Iterator[Final]:
        return finals(self.checkpoint.settled, identities, audited, statuses(results))

    def _finish(self, connection: Connection, held: Pass, items: Iterable[Final]) -> Recorded:
        settled = self.checkpoint.settled
        ended = _Ended.of(items, held.id)
        _store_outcomes(connection, held, ended.rows)
        _store_tallies(connection, held, ended.tally)
        said = verdicts.worth_recording([(item.item_digest, item.outcome) for item in settled])
        verdicts.add_new(connection, self.fingerprint, said, self.now)
        opened = self._store_state(connection, moved(held, settled, self.checkpoint.cursor))
        if self.on_commit is not None:
            runs.release_lease(connection, opened)
            steps.let_go(connection, opened)
            self.on_commit(connection, self.checkpoint.cursor)
        return Recorded(opened, ended.actions)

    def _store_state(self, connection: Connection, held: Pass) -> Pass:
        suspects = self.checkpoint.suspects
        if suspects != self.opened.suspects:
            replace_suspects(connection, held, suspects)
        passes.store_progress(connection, held, self.checkpoint.limit, self.now)
        breaker = breakers.merge(connection, held, self.checkpoint.breaker)
        return replace(held, breaker=breaker, suspects=suspects)


def superseded(connection: Connection, opened: Pass) -> Superseded:
    """Who took over."""
    holder = runs.holder_of(connection, opened)
    return Superseded() if holder in {None, opened.holder} else Superseded(str(holder))


_OUTCOME_NAMES = tuple(outcomes.columns.keys())
_TALLY_NAMES = tuple(tallies.columns.keys())


@dataclass(slots=True)
class _Ended:
    """The rows of items, how many ended alike, and what became of each."""

    rows: list[tuple[Any, ...]]
    tally: Counter[Transition]
    actions: list[Action]

    @classmethod
    def of(cls, items: Iterable[Final], pass_id: int) -> _Ended:
        ended = cls([], Counter(), [])
        for item in items:
            ended.rows.append(_outcome_row(pass_id, item))
            ended.tally[transition(item)] += 1
            ended.actions.append(item.action)
        return ended


def _store_outcomes(connection: Connection, held: Pass, rows: Sequence[tuple[Any, ...]]) -> None:
    try:
        insert_rows(connection, outcomes, _OUTCOME_NAMES, rows)
    except IntegrityError:
        raise SourceError(met_twice(held)) from None


def _outcome_row(pass_id: int, item: Final) -> tuple[Any, ...]:
    settled = item.settled
    outcome = settled.outcome
    verdict = outcome.verdict
    return (
        pass_id,
        encode_key(settled.item_key),
        settled.item_digest,
        item.before,
        str(outcome.kind),
        None if verdict is None else str(verdict.label),
        None if verdict is None else verdict.confidence,
        str(item.action),
        storable(outcome.detail),
        outcome.recalled,
        outcome.body_chars_cut,
    )


def _store_tallies(connection: Connection, held: Pass, tally: Counter[Transition]) -> None:
    place = held.id, shard_number(held)
    rows = [
        (*place, kind, str(action), before is not None, before or "", after or "", count)
        for (kind, action, before, after), count in tally.items()
    ]
    add_counts(connection, tallies, _TALLY_NAMES, rows)
