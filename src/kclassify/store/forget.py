"""Forgetting what failed, so that a new pass asks again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select

from kclassify.core.item import Key
from kclassify.core.verdict import OutcomeKind
from kclassify.database import Database
from kclassify.errors import UsageError
from kclassify.store import runs
from kclassify.store.migrations import migrate
from kclassify.store.reading import FAILING
from kclassify.store.states import PassStatus
from kclassify.store.tables import outcomes, passes, verdicts
from kclassify.store.verdicts import in_chunks

Failed = tuple[str, str]
"""An item's encoded key and its digest."""


def forget_failures(
    database: Database,
    run: str,
    kinds: Collection[OutcomeKind] | None = None,
    keys: Collection[Key] | None = None,
) -> int:
    """Forget the failing verdicts of the latest finished pass; how many items a new pass will ask.

    All failures, or those of some kinds, or those of some items. A key may be given as text
    whatever its type is. Raises `UsageError` for a run that is not there and for a key that did not
    fail.
    """
    migrate(database)
    with database.begin() as connection:
        row = runs.find(connection, run)
        latest = _latest_finished(connection, row.id)
        found = [] if latest is None else _failed(connection, latest, kinds)
        if keys is not None:
            found = _chosen(run, found, keys)
        if latest is not None:
            _forget(connection, latest.fingerprint, {digest for _, digest in found})
        return len(found)


def _latest_finished(connection: Connection, run_id: int) -> Row[Any] | None:
    query = (
        select(passes)
        .where(passes.c.run_id == run_id, passes.c.status == PassStatus.DONE)
        .order_by(passes.c.number.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


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


def _forget(connection: Connection, fingerprint: str, digests: Collection[str]) -> None:
    for chunk in in_chunks(digests):
        connection.execute(
            verdicts.delete().where(verdicts.c.item_digest.in_(chunk), _is_failing(fingerprint))
        )
