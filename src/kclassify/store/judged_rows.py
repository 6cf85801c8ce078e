"""What one pass said of every item: the rows that a sample is drawn from and a gate is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from kclassify.core.gate import verdict_digest
from kclassify.core.item import Key, decode_key, encode_key
from kclassify.core.policy import Action
from kclassify.core.states import PassStatus
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict
from kclassify.database import Database
from kclassify.errors import UsageError
from kclassify.ports import Mode
from kclassify.store.passes import settled_in_all, whole_passes
from kclassify.store.tables import outcomes, passes
from kclassify.store.verdicts import in_chunks

PAGE = 1000
Cell = tuple[str | None, str | None, float | None]
"""Label now, label said, confidence: None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was said of an item. `current` is the label it carried, `action` what became of it."""

    current: str | None
    kind: OutcomeKind
    label: str | None
    confidence: float | None
    action: Action

    def is_proposal(self, min_confidence: float | None = None) -> bool:
        """Whether its label would be written: as the pass had it, or from this confidence on."""
        if min_confidence is None:
            return self.action in {Action.CHANGE, Action.WRITTEN}
        is_other = self.label is not None and self.label != self.current
        return is_other and (self.confidence or 0.0) >= min_confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRow(Judged):
    """One item of a pass."""

    key: Key
    digest: str

    @property
    def verdict_digest(self) -> str:
        """The digest of what was said of it, as a gate record holds it."""
        said = None
        if self.label is not None:
            said = Verdict(self.label, self.confidence or 0.0, "")
        return verdict_digest(Outcome(self.kind, said))


@dataclass(frozen=True, slots=True)
class JudgedPass:
    """A pass and its rows, read a page at a time, in no order that means anything.

    `settled` counts its rows.
    """

    database: Database
    id: int
    mode: Mode
    number: int
    fingerprint: str
    model: str
    settled: int

    def __iter__(self) -> Iterator[JudgedRow]:
        last = ""
        while page := self._page(last):
            yield from map(_row, page)
            last = page[-1].item_key

    def of(self, keys: Collection[Key]) -> dict[Key, JudgedRow]:
        """The rows of these items, as far as the pass has met them."""
        found: list[JudgedRow] = []
        with self.database.connect() as connection:
            for chunk in in_chunks([encode_key(key) for key in keys]):
                query = select(outcomes).where(
                    outcomes.c.pass_id == self.id, outcomes.c.item_key.in_(chunk)
                )
                found += map(_row, connection.execute(query))
        return {row.key: row for row in found}

    def tally(self) -> Mapping[Judged, int]:
        """How many rows ended alike."""
        columns = [
            outcomes.c[name] for name in ("current", "kind", "label", "confidence", "action")
        ]
        query = select(*columns, func.count().label("rows"))
        query = query.where(outcomes.c.pass_id == self.id).group_by(*columns)
        with self.database.connect() as connection:
            return {
                Judged(
                    current=row.current,
                    kind=OutcomeKind(row.kind),
                    label=row.label,
                    confidence=row.confidence,
                    action=Action(row.action),
                ): int(row.rows)
                for row in connection.execute(query)
            }

    def counts(self) -> Mapping[Cell, int]:
        """The rows by label now, label said and confidence."""
        counted: Counter[Cell] = Counter()
        for judged, rows in self.tally().items():
            counted[judged.current, judged.label, judged.confidence] += rows
        return counted

    def _page(self, last: str) -> list[Row[Any]]:
        query = (
            select(outcomes)
            .where(outcomes.c.pass_id == self.id, outcomes.c.item_key > last)
            .order_by(outcomes.c.item_key)
            .limit(PAGE)
        )
        with self.database.connect() as connection:
            return list(connection.execute(query))


def find_judged(
    database: Database, connection: Connection, run: Row[Any], mode: Mode
) -> JudgedPass:
    """The latest finished pass of this mode. Raises `UsageError` when there is none.

    Of a commit it is the latest that settled any: its writes are made, finished or not.
    """
    is_there = passes.c.status == PassStatus.DONE
    if mode is Mode.COMMIT:
        is_there = settled_in_all() > 0
    query = (
        whole_passes()
        .where(passes.c.run_id == run.id, passes.c.mode == mode, is_there)
        .order_by(passes.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UsageError(_none_of(mode, run.name))
    return JudgedPass(
        database, row.id, mode, row.number, row.fingerprint, row.model, int(row.settled)
    )


def _none_of(mode: Mode, run: str) -> str:
    if mode is Mode.COMMIT:
        return f"run {run!r} has written nothing yet: run `kclassify commit` first"
    return f"run {run!r} has no finished dry run: run `kclassify dry-run` first, to its end"


def _row(row: Row[Any]) -> JudgedRow:
    return JudgedRow(
        key=decode_key(row.item_key),
        digest=row.item_digest,
        current=row.current,
        kind=OutcomeKind(row.kind),
        label=row.label,
        confidence=row.confidence,
        action=Action(row.action),
    )
