"""Changes in the audit whose items are not settled."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from kclassify.core.policy import Action
from kclassify.store.tables import changes, tallies

_AUDITED = (Action.WRITTEN, Action.CONFLICT)


def has_strays(connection: Connection, pass_id: int) -> bool:
    """Whether the audit of this pass holds more changes than its settled items account for.

    Both are counted in one statement: other shards of the pass settle items meanwhile.
    """
    audited = select(func.count()).select_from(changes).where(changes.c.pass_id == pass_id)
    settled = select(func.coalesce(func.sum(tallies.c["count"]), 0)).where(
        tallies.c.pass_id == pass_id, tallies.c.action.in_(_AUDITED)
    )
    both = select(audited.scalar_subquery() != settled.scalar_subquery())
    return bool(connection.scalar(both))
