"""Where a pass in work is kept: in its own row, or in that of one of its shards.

The columns that move with it have the same names in both.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from kclassify.ports import Pass
from kclassify.store.tables import passes, runs, shards


def place_of(opened: Pass) -> Table:
    """The table with the fence, the cursor and the state of it."""
    return passes if opened.shard is None else shards


def is_row_of(opened: Pass) -> ColumnElement[bool]:
    """The row in that table."""
    if opened.shard is None:
        return passes.c.id == opened.id
    return shards.c.id == opened.shard.id


def lease_place_of(opened: Pass) -> Table:
    """The table with its lease."""
    return runs if opened.shard is None else shards


def is_leased_by(opened: Pass) -> ColumnElement[bool]:
    """The row in that table, as long as this worker holds the lease."""
    table = lease_place_of(opened)
    row = runs.c.name == opened.run if opened.shard is None else is_row_of(opened)
    return and_(row, table.c.lease_holder == opened.holder)


def run_id_of(connection: Connection, opened: Pass) -> int:
    """The row of its run."""
    if opened.run_id is not None:
        return opened.run_id
    query = select(passes.c.run_id).where(passes.c.id == opened.id)
    return int(connection.execute(query).scalar_one())


def shard_number(opened: Pass) -> int:
    """As the rows of items have it: 0 for a pass in one piece."""
    return 0 if opened.shard is None else opened.shard.number
