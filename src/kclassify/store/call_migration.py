"""To version 5 of the ledger's tables: what calls came to, by step and by batch."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_write_tokens",
    "cache_read_tokens",
    "cost",
    "unpriced",
    "uncertain",
    "held",
    "charged",
)


def add_call_tables(connection: Connection) -> None:
    """Create the tables: a run from before has no steps, and has spent nothing that is known.

    Written out, so that it stays what it is when the tables go on to change.
    """
    metadata = MetaData()
    for name in ("kclassify_run", "kclassify_pass"):
        Table(name, metadata, Column("id", Integer, primary_key=True))
    for table in (_step(metadata), _batch(metadata), _request(metadata)):
        table.create(connection)


def _identity() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)


def _places() -> list[Column[int]]:
    return [
        Column("run_id", Integer, ForeignKey("kclassify_run.id"), nullable=False),
        Column("pass_id", Integer, ForeignKey("kclassify_pass.id"), nullable=False),
        Column("shard", Integer, nullable=False),
    ]


def _step(metadata: MetaData) -> Table:
    unended = text("ended_at IS NULL")
    return Table(
        "kclassify_step",
        metadata,
        _identity(),
        *_places(),
        *(Column(name, Text, nullable=False) for name in ("holder", "fingerprint", "model")),
        Column("began_at", Double, nullable=False),
        Column("ended_at", Double),
        Column("last_call_at", Double),
        Column("decision", Text),
        *(Column(name, BigInteger, nullable=False) for name in ("calls", "questions")),
        Column("seconds", Double, nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in _COUNTS),
        Index("kclassify_step_by_run", "run_id", "pass_id"),
        Index(
            "kclassify_step_unended",
            "run_id",
            sqlite_where=unended,
            postgresql_where=unended,
        ),
    )


def _batch(metadata: MetaData) -> Table:
    return Table(
        "kclassify_batch",
        metadata,
        _identity(),
        *_places(),
        *(Column(name, Text, nullable=False) for name in ("fingerprint", "status", "nonce")),
        Column("remote_id", Text),
        Column("requests", Integer, nullable=False),
        Column("reached", Text),
        Column("is_all", Boolean, nullable=False),
        Column("intended_at", Double, nullable=False),
        *(Column(name, Double) for name in ("expires_at", "polled_at", "over_at")),
        Column("held", BigInteger, nullable=False),
        Index("kclassify_batch_by_pass", "pass_id", "shard"),
        Index("kclassify_batch_by_run", "run_id"),
    )


def _request(metadata: MetaData) -> Table:
    unsettled = "kind IS NOT NULL AND is_final IS "
    return Table(
        "kclassify_request",
        metadata,
        Column("batch_id", Integer, ForeignKey("kclassify_batch.id"), primary_key=True),
        Column("item_digest", Text, primary_key=True),
        Column("pass_id", Integer, ForeignKey("kclassify_pass.id"), nullable=False),
        Column("shard", Integer, nullable=False),
        Column("worst", BigInteger),
        Column("body_chars_cut", Integer, nullable=False),
        Column("kind", Text),
        Column("detail", Text, nullable=False),
        Column("is_final", Boolean, nullable=False),
        Column("counts", Boolean, nullable=False),
        Index("kclassify_request_by_pass", "pass_id", "item_digest"),
        Index(
            "kclassify_request_unsettled",
            "pass_id",
            sqlite_where=text(unsettled + "0"),
            postgresql_where=text(unsettled + "false"),
        ),
        sqlite_with_rowid=False,
    )
