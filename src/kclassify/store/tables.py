"""The ledger's tables, in a registry of their own.

Times are Unix seconds. Keys are stored as `encode_key` gives them. The text of an item is never
stored, only its digest.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import declared_attr, registry
from sqlmodel import Field, SQLModel

from kclassify.core.states import ChangeStatus

_registry = registry()
ledger_metadata = _registry.metadata

# SQLite counts up only in a column that it calls INTEGER, which is 64 bits wide there.
_Count = BigInteger().with_variant(Integer(), "sqlite")
_ONE = {"server_default": text("1")}
_ZERO = {"server_default": text("0")}
_INTENT = text(f"status = '{ChangeStatus.INTENT}'")


class LedgerTable(SQLModel, registry=_registry):
    """The base of the ledger's tables: none of them enters `SQLModel.metadata`."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # pyright: ignore[reportIncompatibleVariableOverride]
        """`RunRow` lives in `kclassify_run`."""
        return f"kclassify_{cls.__name__.removesuffix('Row').lower()}"


class SchemaRow(LedgerTable, table=True):
    """The version of these tables: one row."""

    id: int = Field(primary_key=True)
    version: int


class RunRow(LedgerTable, table=True):
    """A run and the lease on it: who works on it, until when."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_type=Text, unique=True)
    source: str = Field(sa_type=Text)
    created_at: float = Field(sa_type=Double)
    lease_number: int = 0
    lease_holder: str | None = Field(default=None, sa_type=Text)
    lease_expires_at: float = Field(default=0.0, sa_type=Double)


class BreakerRow(LedgerTable, table=True):
    """The outage as all workers of a run share it: the row of a run that each may change."""

    run_id: int = Field(primary_key=True, foreign_key="kclassify_run.id")
    snoozes: int = 0
    snooze_until: float = Field(default=0.0, sa_type=Double)
    snooze_seconds: int = 0
    outage_since: float | None = Field(default=None, sa_type=Double)


class PassRow(LedgerTable, table=True):
    """One walk over the source.

    `version` is the fence, `version_at_open` its value when a worker last opened the run. `gate` is
    the digest of the record that allowed it to write; `gate_refusal` what an `override` set aside:
    a line for each, when the pass went on for another reason. `next_step_at` is when somebody is to
    go on with it, NULL when nobody is; `kicked_at` when a job was last enqueued for want of one,
    `job` what such a job carries. `wanted_parts` is into how many its next step cuts it. `ticket`
    is that of the newest chain of jobs, `ticket_seen` the highest that a step came with: an older
    chain ends there. Of a pass that is divided, all that moves is in its shards.
    """

    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="kclassify_run.id")
    number: int
    mode: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    fingerprint: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    version: int
    version_at_open: int
    cursor: str | None = Field(default=None, sa_type=Text)
    settled: int = Field(default=0, sa_type=BigInteger)
    override: str | None = Field(default=None, sa_type=Text)
    gate: str | None = Field(default=None, sa_type=Text)
    gate_refusal: str | None = Field(default=None, sa_type=Text)
    started_at: float = Field(sa_type=Double)
    updated_at: float = Field(sa_type=Double)
    finished_at: float | None = Field(default=None, sa_type=Double)
    last_decision: str | None = Field(default=None, sa_type=Text)
    parts: int = Field(default=0, sa_column_kwargs=_ZERO)
    job: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )
    next_step_at: float | None = Field(default=None, sa_type=Double)
    kicked_at: float | None = Field(default=None, sa_type=Double)
    call_limit: int | None = None
    wanted_parts: int = Field(default=1, sa_column_kwargs=_ONE)
    ticket: int = Field(default=0, sa_column_kwargs=_ZERO)
    ticket_seen: int = Field(default=0, sa_column_kwargs=_ZERO)


class ShardRow(LedgerTable, table=True):
    """A part of a divided pass, with a cursor, a fence and a lease of its own.

    It holds the keys that follow `after` and do not follow `until`; `items` is how many those were
    when it was cut. `granted` are the calls that its worker may have in flight, of those that all
    workers share, until `granted_until`. `wanted_parts` is into how many its next step cuts it.
    """

    __table_args__ = (UniqueConstraint("pass_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    pass_id: int = Field(foreign_key="kclassify_pass.id")
    number: int
    after: str | None = Field(default=None, sa_type=Text)
    until: str | None = Field(default=None, sa_type=Text)
    items: int = Field(default=0, sa_type=BigInteger)
    status: str = Field(sa_type=Text)
    version: int = 1
    version_at_open: int = 1
    cursor: str | None = Field(default=None, sa_type=Text)
    settled: int = Field(default=0, sa_type=BigInteger)
    lease_holder: str | None = Field(default=None, sa_type=Text)
    lease_expires_at: float = Field(default=0.0, sa_type=Double)
    updated_at: float = Field(sa_type=Double)
    finished_at: float | None = Field(default=None, sa_type=Double)
    last_decision: str | None = Field(default=None, sa_type=Text)
    next_step_at: float | None = Field(default=None, sa_type=Double)
    kicked_at: float | None = Field(default=None, sa_type=Double)
    call_limit: int | None = None
    granted: int = 0
    granted_until: float = Field(default=0.0, sa_type=Double)
    wanted_parts: int = 1
    ticket: int = 0
    ticket_seen: int = 0


class VerdictRow(LedgerTable, table=True):
    """What one classifier said of one text."""

    __table_args__ = ({"sqlite_with_rowid": False},)

    item_digest: str = Field(primary_key=True, sa_type=Text)
    fingerprint: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    label: str | None = Field(default=None, sa_type=Text)
    confidence: float | None = Field(default=None, sa_type=Double)
    model: str | None = Field(default=None, sa_type=Text)
    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0
    detail: str = Field(default="", sa_type=Text)
    body_chars_cut: int = 0
    recorded_at: float = Field(sa_type=Double)


class OutcomeRow(LedgerTable, table=True):
    """What happened to one item in one pass. By its primary key an item is settled exactly once."""

    __table_args__ = ({"sqlite_with_rowid": False},)

    pass_id: int = Field(primary_key=True, foreign_key="kclassify_pass.id")
    item_key: str = Field(primary_key=True, sa_type=Text)
    item_digest: str = Field(sa_type=Text)
    current: str | None = Field(default=None, sa_type=Text)
    kind: str = Field(sa_type=Text)
    label: str | None = Field(default=None, sa_type=Text)
    confidence: float | None = Field(default=None, sa_type=Double)
    action: str = Field(sa_type=Text)
    detail: str = Field(default="", sa_type=Text)
    recalled: bool = False
    body_chars_cut: int = 0


class ChangeRow(LedgerTable, table=True):
    """The audit: one write, what became of it, and what its row held before.

    `shard` is the number of the shard that wrote it, 0 where the pass was not divided.
    """

    __table_args__ = (
        Index("kclassify_change_by_pass", "pass_id", "id"),
        Index(
            "kclassify_change_intents",
            "run_id",
            sqlite_where=_INTENT,
            postgresql_where=_INTENT,
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(_Count, primary_key=True))
    run_id: int = Field(foreign_key="kclassify_run.id")
    pass_id: int = Field(foreign_key="kclassify_pass.id")
    item_key: str = Field(sa_type=Text)
    before: str | None = Field(default=None, sa_type=Text)
    after: str = Field(sa_type=Text)
    confidence: float = Field(sa_type=Double)
    status: str = Field(sa_type=Text)
    idempotency_key: str = Field(sa_type=Text, unique=True)
    extra: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    recorded_at: float = Field(sa_type=Double)
    reverted_at: float | None = Field(default=None, sa_type=Double)
    shard: int = Field(default=0, sa_column_kwargs=_ZERO)


class TallyRow(LedgerTable, table=True):
    """How many items of a pass ended alike. `labelled` is false for items without a label before.

    `before` is empty then, and `after` is empty for items that got no label: no key holds a NULL.
    Each shard counts its own, so that none waits for another's transaction; 0 is the pass itself.
    """

    pass_id: int = Field(primary_key=True, foreign_key="kclassify_pass.id")
    shard: int = Field(primary_key=True, default=0)
    kind: str = Field(primary_key=True, sa_type=Text)
    action: str = Field(primary_key=True, sa_type=Text)
    labelled: bool = Field(primary_key=True)
    before: str = Field(primary_key=True, sa_type=Text)
    after: str = Field(primary_key=True, sa_type=Text)
    count: int = Field(sa_type=BigInteger)


class SuspectRow(LedgerTable, table=True):
    """An item of a pass whose calls failed for availability."""

    pass_id: int = Field(primary_key=True, foreign_key="kclassify_pass.id")
    item_key: str = Field(primary_key=True, sa_type=Text)
    held: int
    undecided: bool
    kind: str = Field(sa_type=Text)
    shard: int = Field(default=0, sa_column_kwargs=_ZERO)


class LookRow(LedgerTable, table=True):
    """One classifier that was scored on one sample: both by their digests."""

    __table_args__ = (UniqueConstraint("sample", "number"),)

    sample: str = Field(primary_key=True, sa_type=Text)
    fingerprint: str = Field(primary_key=True, sa_type=Text)
    number: int
    at: float = Field(sa_type=Double)
    verdict: str = Field(sa_type=Text)
    sealed: bool


def _table(name: str) -> Table:
    return ledger_metadata.tables[name]


schemas = _table("kclassify_schema")
runs = _table("kclassify_run")
breakers = _table("kclassify_breaker")
passes = _table("kclassify_pass")
shards = _table("kclassify_shard")
verdicts = _table("kclassify_verdict")
outcomes = _table("kclassify_outcome")
changes = _table("kclassify_change")
tallies = _table("kclassify_tally")
suspects = _table("kclassify_suspect")
looks = _table("kclassify_look")
