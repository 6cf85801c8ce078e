"""The rows of suspects: items whose calls failed for availability, kept between steps."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from kclassify.core.availability import Suspect
from kclassify.core.item import decode_key, encode_key
from kclassify.core.verdict import OutcomeKind
from kclassify.ports import Pass
from kclassify.store.insert import insert_all
from kclassify.store.places import shard_number
from kclassify.store.tables import suspects


def replace_suspects(connection: Connection, opened: Pass, current: Sequence[Suspect]) -> None:
    """Store these suspects in place of those before."""
    shard = shard_number(opened)
    connection.execute(
        suspects.delete().where(suspects.c.pass_id == opened.id, suspects.c.shard == shard)
    )
    rows = [
        {
            "pass_id": opened.id,
            "shard": shard,
            "item_key": encode_key(suspect.key),
            "held": suspect.held,
            "undecided": suspect.undecided,
            "kind": suspect.kind,
        }
        for suspect in current
    ]
    insert_all(connection, suspects, rows)


def suspects_of(connection: Connection, pass_id: int, shard: int) -> tuple[Suspect, ...]:
    """What a worker of this pass and shard stored last."""
    query = select(suspects).where(suspects.c.pass_id == pass_id, suspects.c.shard == shard)
    return tuple(
        Suspect(decode_key(row.item_key), row.held, row.undecided, OutcomeKind(row.kind))
        for row in connection.execute(query)
    )


def forget_suspects(connection: Connection, opened: Pass) -> None:
    """Forget those of this pass or shard, which is cut: an item may be in another one then."""
    replace_suspects(connection, opened, ())
