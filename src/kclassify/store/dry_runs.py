"""What a finished dry run settled, asked for by its number: what an evaluation was about."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from kclassify.core.evaluated import Evaluated
from kclassify.core.item import Key, decode_key, encode_key
from kclassify.core.states import PassStatus
from kclassify.ports import Mode
from kclassify.row_sets import among
from kclassify.store.passes import settled_in_all
from kclassify.store.tables import outcomes, passes, runs
from kclassify.store.verdicts import in_chunks


def dry_run_rows(connection: Connection, run: str, number: int) -> int | None:
    """How many rows this pass settled; None when it is no finished dry run."""
    query = (
        select(settled_in_all())
        .join(runs, runs.c.id == passes.c.run_id)
        .where(
            runs.c.name == run,
            passes.c.number == number,
            passes.c.mode == Mode.DRY_RUN,
            passes.c.status == PassStatus.DONE,
        )
    )
    return connection.scalar(query)


def evaluated(
    connection: Connection, run: str, number: int, keys: Collection[Key]
) -> dict[Key, Evaluated]:
    """What this pass settled of these items, as far as it met them."""
    identity = select(passes.c.id).join(runs, runs.c.id == passes.c.run_id)
    pass_id = connection.scalar(identity.where(runs.c.name == run, passes.c.number == number))
    found: dict[Key, Evaluated] = {}
    for chunk in in_chunks([encode_key(key) for key in keys]):
        query = select(outcomes).where(
            outcomes.c.pass_id == pass_id, among(connection, outcomes.c.item_key, chunk)
        )
        for row in connection.execute(query):
            said = Evaluated(row.item_digest, row.current, row.label, row.confidence)
            found[decode_key(row.item_key)] = said
    return found
