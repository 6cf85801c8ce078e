"""Brings the ledger's tables to the version that this kclassify knows. Forward only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    inspect,
    select,
    text,
)

from kclassify.errors import LedgerVersionError
from kclassify.store import call_tables
from kclassify.store.call_migration import add_call_tables
from kclassify.store.insert import insert_or_ignore
from kclassify.store.tables import schemas

if TYPE_CHECKING:
    from kclassify.database import Database

Step = Callable[[Connection], None]
"""Changes the tables of one version into those of the next."""


def _gate(connection: Connection) -> None:
    """To 2: which gate record allowed a pass to write, and the looks at samples.

    Written out, so that it stays what it is when the tables go on to change.
    """
    for column in ("gate", "gate_refusal"):
        connection.execute(text(f"ALTER TABLE kclassify_pass ADD COLUMN {column} TEXT"))
    look = Table(
        "kclassify_look",
        MetaData(),
        Column("sample", Text, primary_key=True),
        Column("fingerprint", Text, primary_key=True),
        Column("number", Integer, nullable=False),
        Column("at", Double, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("sealed", Boolean, nullable=False),
        UniqueConstraint("sample", "number"),
    )
    look.create(connection)


_LAST_BREAKERS = """
INSERT INTO kclassify_breaker (run_id, snoozes, snooze_until, snooze_seconds, outage_since)
SELECT r.id, coalesce(p.snoozes, 0), coalesce(p.snooze_until, 0), coalesce(p.snooze_seconds, 0),
    p.outage_since
FROM kclassify_run AS r LEFT JOIN kclassify_pass AS p ON p.id = (
    SELECT last.id FROM kclassify_pass AS last
    WHERE last.run_id = r.id AND last.status IN ('open', 'halted')
    ORDER BY last.updated_at DESC, last.number DESC LIMIT 1
)
"""


def _breaker(connection: Connection) -> None:
    """To 3: the breaker of a pass becomes that of its run, for all of its workers.

    What the pass says goes on that was worked on last and is not done; any other knows of none.
    Written out, as above.
    """
    metadata = MetaData()
    Table("kclassify_run", metadata, Column("id", Integer, primary_key=True))
    breaker = Table(
        "kclassify_breaker",
        metadata,
        Column("run_id", Integer, ForeignKey("kclassify_run.id"), primary_key=True),
        Column("snoozes", Integer, nullable=False),
        Column("snooze_until", Double, nullable=False),
        Column("snooze_seconds", Integer, nullable=False),
        Column("outage_since", Double),
    )
    breaker.create(connection)
    connection.execute(text(_LAST_BREAKERS))
    for column in ("snoozes", "snooze_until", "snooze_seconds", "outage_since"):
        connection.execute(text(f"ALTER TABLE kclassify_pass DROP COLUMN {column}"))


def _shards(connection: Connection) -> None:
    """To 4: passes that are divided. What was there is that of a pass in one piece.

    Written out, as above.
    """
    metadata = MetaData()
    Table("kclassify_pass", metadata, Column("id", Integer, primary_key=True))
    _shard_table(metadata).create(connection)
    for table in ("change", "suspect"):
        connection.execute(
            text(f"ALTER TABLE kclassify_{table} ADD COLUMN shard INTEGER NOT NULL DEFAULT 0")
        )
    moment = Double().compile(connection.dialect)
    for column in (
        "parts INTEGER NOT NULL DEFAULT 0",
        "job JSON",
        f"next_step_at {moment}",
        f"kicked_at {moment}",
        "call_limit INTEGER",
        "wanted_parts INTEGER NOT NULL DEFAULT 1",
        "ticket INTEGER NOT NULL DEFAULT 0",
        "ticket_seen INTEGER NOT NULL DEFAULT 0",
    ):
        connection.execute(text(f"ALTER TABLE kclassify_pass ADD COLUMN {column}"))
    _tallies_by_shard(connection, metadata)


def _shard_table(metadata: MetaData) -> Table:
    return Table(
        "kclassify_shard",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("pass_id", Integer, ForeignKey("kclassify_pass.id"), nullable=False),
        Column("number", Integer, nullable=False),
        Column("after", Text),
        Column("until", Text),
        Column("items", BigInteger, nullable=False),
        Column("status", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("version_at_open", Integer, nullable=False),
        Column("cursor", Text),
        Column("settled", BigInteger, nullable=False),
        Column("lease_holder", Text),
        Column("lease_expires_at", Double, nullable=False),
        Column("updated_at", Double, nullable=False),
        Column("finished_at", Double),
        Column("last_decision", Text),
        Column("next_step_at", Double),
        Column("kicked_at", Double),
        Column("call_limit", Integer),
        Column("granted", Integer, nullable=False),
        Column("granted_until", Double, nullable=False),
        Column("wanted_parts", Integer, nullable=False),
        Column("ticket", Integer, nullable=False),
        Column("ticket_seen", Integer, nullable=False),
        UniqueConstraint("pass_id", "number"),
    )


_TALLIES_IN_ONE_PIECE = """
INSERT INTO kclassify_tally_by_shard
    (pass_id, shard, kind, action, labelled, "before", "after", "count")
SELECT pass_id, 0, kind, action, labelled, "before", "after", "count" FROM kclassify_tally
"""


def _tallies_by_shard(connection: Connection, metadata: MetaData) -> None:
    """A primary key cannot be changed everywhere: the table is built anew."""
    anew = Table(
        "kclassify_tally_by_shard",
        metadata,
        Column("pass_id", Integer, ForeignKey("kclassify_pass.id"), primary_key=True),
        Column("shard", Integer, primary_key=True, autoincrement=False),
        *(Column(name, Text, primary_key=True) for name in ("kind", "action")),
        Column("labelled", Boolean, primary_key=True),
        *(Column(name, Text, primary_key=True) for name in ("before", "after")),
        Column("count", BigInteger, nullable=False),
    )
    anew.create(connection)
    connection.execute(text(_TALLIES_IN_ONE_PIECE))
    connection.execute(text("DROP TABLE kclassify_tally"))
    connection.execute(text("ALTER TABLE kclassify_tally_by_shard RENAME TO kclassify_tally"))


STEPS: tuple[Step, ...] = (_gate, _breaker, _shards, add_call_tables)
"""The first leads from version 1 to version 2. New tables are created at the newest version."""

_ADVISORY_LOCK = 7_522_811_930_472_061


def migrate(database: Database, steps: Sequence[Step] = STEPS) -> None:
    """Create the tables, or bring them up to date, in one transaction.

    Processes that do this at once wait for each other. Raises `LedgerVersionError` when the tables
    are newer than `steps` reach.
    """
    newest = 1 + len(steps)
    with database.connect() as connection:
        found = schema_version(connection)
    if found != newest:
        with database.begin() as connection:
            _lock(connection)
            _migrate(connection, database.description, steps)


def schema_version(connection: Connection) -> int | None:
    """The version of the ledger's tables in this database, None when there are none."""
    if not inspect(connection).has_table(schemas.name):
        return None
    return connection.scalar(select(schemas.c.version))


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))


def _migrate(connection: Connection, description: str, steps: Sequence[Step]) -> None:
    newest = 1 + len(steps)
    found = schema_version(connection)
    if found is None:
        call_tables.ledger_metadata.create_all(connection)
        connection.execute(insert_or_ignore(connection, schemas), {"id": 1, "version": newest})
        return
    if found > newest:
        raise LedgerVersionError(
            f"the ledger in {description} has version {found}, and this kclassify knows version "
            f"{newest}: use a newer kclassify, or another ledger"
        )
    for step in steps[found - 1 :]:
        step(connection)
    connection.execute(schemas.update().values(version=newest))
