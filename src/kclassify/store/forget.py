"""Forgetting what failed, so that a new pass asks again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select

from kclassify.core.item import Key
from kclassify.core.verdict import OutcomeKind
from kclassify.database import Database
from kclassify.errors import UsageError
from kclassify.holder import is_alive, this_holder
from kclassify.ports import Mode
from kclassify.store import passes, runs
from kclassify.store.migrations import migrate
from kclassify.store.reading import FAILING
from kclassify.store.tables import outcomes, verdicts
from kclassify.store.verdicts import in_chunks

Failed = tuple[str, str]
"""An item's encoded key and its digest."""


def forget_failures(
    database: Database,
    run: str,
    kinds: Collection[OutcomeKind] | None = None,
    keys: Collection[Key] | None = None,
    *,
    mode: Mode | None = None,
    now: Callable[[], float] = time.time,
) -> int:
    """Forget the failing verdicts that `LedgerReader.failures` tells of; how many items they were.

    All failures, or those of some kinds, or those of some items. A key may be given as text
    whatever its type is. With a `mode`, an unfinished pass of it is abandoned when there is any
    failure, so that a new pass begins and meets the rows behind the cursor, too; what was judged is
    recalled. Raises `UsageError` for a run that is not there, for a key that did not fail, and,
    with a `mode`, for a run that a worker holds at `now` (Unix seconds).
    """
    migrate(database)
    with database.begin() as connection:
        row = runs.find(connection, run)
        if mode is not None:
            _lock_idle(connection, run, now())
        latest = passes.latest_with_outcomes(connection, row.id)
        found = [] if latest is None else _failed(connection, latest, kinds)
        if keys is not None:
            found = _chosen(run, found, keys)
        if found and latest is not None:
            forget_failing(connection, latest.fingerprint, {digest for _, digest in found})
            if mode is not None:
                passes.abandon(connection, row.id, mode, now())
        return len(found)


def _lock_idle(connection: Connection, run: str, now: float) -> None:
    row = runs.lock(connection, run)
    rival = runs.rival_of(connection, row, runs.Claim(this_holder(), now, 0.0, is_alive))
    if rival is not None:
        raise runs.held_by(run, rival)


def _failed(
    connection: Connection, latest: Row[Any], kinds: Collection[OutcomeKind] | None
) -> list[Failed]:
    """The failed items whose failing verdict is still in the ledger, with their digests."""
    wanted = [kind for kind in FAILING if kinds is None or kind in kinds]
    query = (
        select(outcomes.c.item_key, outcomes.c.item_digest)
        .join(verdicts, verdicts.c.item_digest == outcomes.c.item_digest)
        .where(
            outcomes.c.pass_id == latest.id,
            outcomes.c.kind.in_(wanted),
            _is_failing(latest.fingerprint),
        )
    )
    return [(row.item_key, row.item_digest) for row in connection.execute(query)]


def _is_failing(fingerprint: str) -> ColumnElement[bool]:
    return and_(verdicts.c.fingerprint == fingerprint, verdicts.c.kind.in_(FAILING))


def _chosen(run: str, found: Sequence[Failed], keys: Collection[Key]) -> list[Failed]:
    by_text = {failed[0].partition(":")[2]: failed for failed in found}
    missing = sorted(str(key) for key in keys if str(key) not in by_text)
    if missing:
        raise UsageError(f"run {run!r} has no failed item {missing[0]!r} that could be retried")
    return [by_text[str(key)] for key in keys]


def forget_failing(connection: Connection, fingerprint: str, digests: Collection[str]) -> None:
    """Forget what this classifier said of these items where that is a failure."""
    for chunk in in_chunks(digests):
        connection.execute(
            verdicts.delete().where(verdicts.c.item_digest.in_(chunk), _is_failing(fingerprint))
        )
